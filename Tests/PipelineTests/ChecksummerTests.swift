import ArtifactModel
import Pipeline
import TestSupport
import Testing

@Suite struct ChecksummerTests {
    /// The published check values of "123456789".
    @Test(arguments: [(CRC.Algorithm.crc32c, 0xE306_9283 as UInt64), (.crc64nvme, 0xAE8B_1486_0A79_9888)])
    func checkValue(algorithm: CRC.Algorithm, value: UInt64) {
        #expect(check(algorithm, Array("123456789".utf8)) == CRC(algorithm, value: value, length: 9))
    }

    /// The vectors of RFC 3720, appendix B.4.
    @Test func iscsiVectors() {
        #expect(check(.crc32c, Array(repeating: 0, count: 32)).value == 0x8A91_36AA)
        #expect(check(.crc32c, Array(repeating: 0xFF, count: 32)).value == 0x62A8_AB43)
        #expect(check(.crc32c, Array(0..<32)).value == 0x46DD_794E)
        #expect(check(.crc32c, Array((0..<32).reversed())).value == 0x113F_DB5C)
    }

    /// Of no bytes the check is the empty one.
    @Test(arguments: [CRC.Algorithm.crc32c, .crc64nvme])
    func emptyInput(algorithm: CRC.Algorithm) {
        #expect(check(algorithm, []) == .empty(algorithm))
    }

    /// Every length around the step width, at every alignment, gives what the plain bytewise method gives.
    @Test(arguments: [CRC.Algorithm.crc32c, .crc64nvme])
    func lengthsAndAlignments(algorithm: CRC.Algorithm) {
        let bytes = SeededBytes.make(seed: 7, count: 600)
        for start in 0..<9 {
            for count in Array(0..<40) + [255, 256, 257, 511, 580] {
                let slice = Array(bytes[start..<start + count])
                let direct = bytes.withUnsafeBytes {
                    Checksummer.crc(algorithm, UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
                }
                #expect(direct == TableCRC.check(algorithm, of: slice))
            }
        }
    }

    /// Joining the checks of pieces, however they are cut, gives the check of the whole.
    @Test(arguments: [CRC.Algorithm.crc32c, .crc64nvme], [1, 2, 3] as [UInt64])
    func joinedPieces(algorithm: CRC.Algorithm, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let bytes = SeededBytes.make(seed: generator.next(), count: Int.random(in: 0...20_000, using: &generator))
            let cuts = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                Int.random(in: 0...bytes.count, using: &generator)
            }
            let edges = [0] + cuts.sorted() + [bytes.count]
            let joined = zip(edges, edges.dropFirst()).reduce(CRC.empty(algorithm)) { joined, edge in
                joined.joined(with: check(algorithm, Array(bytes[edge.0..<edge.1])))
            }
            #expect(joined == check(algorithm, bytes))
        }
    }

    private func check(_ algorithm: CRC.Algorithm, _ bytes: [UInt8]) -> CRC {
        bytes.withUnsafeBytes { Checksummer.crc(algorithm, $0) }
    }
}
