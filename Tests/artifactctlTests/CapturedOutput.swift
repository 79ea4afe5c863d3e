import Glibc
import LinuxSystem

@testable import artifactctl

/// An `Output` that writes to files in memory.
struct CapturedOutput {
    let output: Output
    private let standardOutput: SharedDescriptor
    private let standardError: SharedDescriptor

    /// - Parameter isFull: whether standard output takes nothing.
    init(json: Bool = false, isFull: Bool = false) throws(SystemError) {
        standardOutput = SharedDescriptor(
            isFull ? try System.open("/dev/full", O_WRONLY) : try System.makeMemoryFile(name: "stdout"))
        standardError = SharedDescriptor(try System.makeMemoryFile(name: "stderr"))
        output = Output(json: json, standardOutput: standardOutput.number, standardError: standardError.number)
    }

    /// The lines on standard output so far.
    func lines() throws -> [String] {
        try output.flush()
        return try Self.lines(of: standardOutput.number)
    }

    /// The lines on standard error so far.
    func complaints() throws -> [String] { try Self.lines(of: standardError.number) }

    private static func lines(of file: Int32) throws -> [String] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(try System.status(of: file).size), alignment: 1)
        defer { buffer.deallocate() }
        let count = try System.read(file, into: buffer, at: 0)
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
