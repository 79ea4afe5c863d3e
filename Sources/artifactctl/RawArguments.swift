import ArtifactModel
import Glibc

/// The command line as the kernel gave it.
enum RawArguments {
    /// The arguments that are not UTF-8: from what Swift made of them to a form for messages, odd bytes as `\xNN`.
    static var repaired: [String: String] {
        let arguments = UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        var repaired: [String: String] = [:]
        for case let argument? in arguments {
            let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
            if String(validating: bytes, as: UTF8.self) == nil {
                repaired[String(decoding: bytes, as: UTF8.self)] = escaped(bytes)
            }
        }
        return repaired
    }

    /// Bytes that are not all UTF-8, for a message.
    static func escaped(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            text +=
                (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\\")
                ? String(UnicodeScalar(byte)) : "\\x\(hexadecimal([byte]))"
        }
        return text
    }
}
