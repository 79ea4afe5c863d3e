import Glibc
import LinuxSystem
import Testing

/// A directory of one test's own, removed with all that is in it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/linuxsystem-XXXXXX".utf8CString)
        path = try template.withUnsafeMutableBufferPointer { buffer in
            let start = try #require(buffer.baseAddress)
            return String(cString: try #require(mkdtemp(start)))
        }
    }

    deinit {
        do {
            try Self.empty(path)
            try System.removeDirectory(path)
        } catch {
            Issue.record("\(path) stays behind: \(error)")
        }
    }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a file with this content.
    func write(_ text: String, to name: String) throws {
        let file = try System.open(self(name), O_WRONLY | O_CREAT | O_TRUNC)
        try put(text, file.number)
    }

    private static func empty(_ path: String) throws {
        var names = try DirectoryListing(path)
        while let entry = try names.next() {
            if entry.kind == .directory, let name = entry.text {
                try empty("\(path)/\(name)")
                try System.removeDirectory(name, in: names.descriptor)
            } else {
                let name = entry.name.map { CChar(bitPattern: $0) } + [0]
                #expect(unlinkat(names.descriptor, name, 0) == 0)
            }
        }
    }
}

/// Writes a text at the descriptor's offset.
func put(_ text: String, _ descriptor: Int32) throws {
    var text = text
    try text.withUTF8 { try System.write(UnsafeRawBufferPointer($0), to: descriptor) }
}

/// Reads a text of up to `count` bytes at an offset.
func text(_ descriptor: Int32, at offset: UInt64 = 0, count: Int = 64) throws -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    let length = try bytes.withUnsafeMutableBytes { try System.read(descriptor, into: $0, at: offset) }
    return String(decoding: bytes.prefix(length), as: UTF8.self)
}

/// The error that the body throws.
func systemError(_ body: () throws -> Void) throws -> SystemError {
    let error = #expect(throws: SystemError.self, performing: body)
    return try #require(error)
}
