import ArtifactModel
import Testing

@Suite struct CRCTests {
    /// The check values of "1234" and "56789", joined, are the published one of "123456789".
    @Test(arguments: [
        (CRC.Algorithm.crc32c, 0xF63A_F4EE as UInt64, 0x83B5_65D8 as UInt64, 0xE306_9283 as UInt64),
        (.crc64nvme, 0x29F5_DBE7_E2FF_71D4, 0xF87D_C887_176C_E667, 0xAE8B_1486_0A79_9888),
    ])
    func joinedGivesTheCheckValue(algorithm: CRC.Algorithm, first: UInt64, second: UInt64, whole: UInt64) {
        let joined = CRC(algorithm, value: first, length: 4).joined(with: CRC(algorithm, value: second, length: 5))
        #expect(joined == CRC(algorithm, value: whole, length: 9))
    }

    /// Nothing joined to something, on either side, leaves it as it is.
    @Test(arguments: [CRC.Algorithm.crc32c, .crc64nvme])
    func emptyIsNeutral(algorithm: CRC.Algorithm) {
        let check = CRC(algorithm, value: 0x1234_5678, length: 1 << 40)
        #expect(check.joined(with: .empty(algorithm)) == check)
        #expect(CRC.empty(algorithm).joined(with: check) == check)
    }

    /// The bytes are big-endian, as many as the width, leading zeros included; base64 of them is what S3 writes.
    @Test func bytesAndBase64() {
        #expect(CRC(.crc32c, value: 0xE306_9283, length: 9).bytes == [0xE3, 0x06, 0x92, 0x83])
        #expect(CRC(.crc32c, value: 0xE306_9283, length: 9).base64 == "4waSgw==")
        #expect(CRC(.crc64nvme, value: 0x1F, length: 9).bytes == [0, 0, 0, 0, 0, 0, 0, 0x1F])
        #expect(CRC.empty(.crc64nvme).base64 == "AAAAAAAAAAA=")
    }

    /// The vectors of RFC 4648, section 10, and bytes of every value.
    @Test func base64Vectors() {
        for (text, encoded) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(base64(Array(text.utf8)) == encoded)
        }
        #expect(base64([0xFB, 0xFF, 0xBF]) == "+/+/")
    }

    /// Two lower-case digits a byte.
    @Test func hexadecimalDigits() {
        #expect(hexadecimal([0x00, 0x0A, 0xF0, 0xFF] as [UInt8]) == "000af0ff")
    }
}
