import LinuxSystem
import NIOCore
import NIOPosix

/// Some of an object's bytes, which the daemon has written to a nameless file of ours. The file goes with the last who holds this.
final class ObjectPiece: Sendable {
    /// How much is read at once.
    private static let readSize = 256 << 10

    /// How many bytes there are.
    let size: UInt64
    private let file: SharedDescriptor
    private let threads: NIOThreadPool

    init(_ file: SharedDescriptor, size: UInt64, threads: NIOThreadPool) {
        self.file = file
        self.size = size
        self.threads = threads
    }

    /// Reads bytes from an offset on, and has them decoded.
    /// - Returns: what they decode to, and how many were used.
    func read(from offset: UInt64, through decoder: OutgoingDecoder) async throws -> (bytes: ByteBuffer, used: Int) {
        let count = Int(min(size - offset, UInt64(Self.readSize)))
        return try await threads.runIfActive { [file] in
            try withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { room in
                let found = try withExtendedLifetime(file) { try System.read(file.number, into: room, at: offset) }
                return try decoder.decode(UnsafeRawBufferPointer(rebasing: room[..<found]))
            }
        }
    }
}
