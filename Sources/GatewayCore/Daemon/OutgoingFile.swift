import ArtifactClient
import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import NIOCore
import NIOPosix
import Synchronization

/// An object on its way out of the store: the daemon writes it to a nameless file of ours, and we read behind it.
final class OutgoingFile: Sendable {
    /// How much is read at once.
    private static let pieceSize = 64 << 10
    /// How long to wait before looking again whether the daemon has written on. A regular file cannot be polled, and the protocol
    /// tells no progress.
    private static let pause = Duration.milliseconds(10)

    private let file: SharedDescriptor
    private let threads: NIOThreadPool
    private let outcome = Mutex<Result<Got, any Error>?>(nil)

    /// - Parameter directory: where the nameless file lies.
    init(in directory: String, threads: NIOThreadPool) async throws {
        self.threads = threads
        file = try await threads.runIfActive {
            let directory = try System.open(directory, O_RDONLY | O_DIRECTORY)
            return SharedDescriptor(try System.openTemporary(in: directory.number))
        }
    }

    /// Has the daemon write the object, and returns when it has written all.
    func fill(from uri: String, over link: DaemonLink) async {
        let result: Result<Got, any Error>
        do {
            guard case .got(let got) = try await link.call(.get(Get(uri: uri)), descriptor: file).message else {
                throw ClientError.confused
            }
            result = .success(got)
        } catch {
            result = .failure(error)
        }
        outcome.withLock { $0 = result }
    }

    /// Says that the daemon will not write it.
    func fail(_ error: any Error) { outcome.withLock { $0 = .failure(error) } }

    /// What the daemon said in the end; nil while it writes.
    private var ending: Result<Got, any Error>? { outcome.withLock { $0 } }

    /// Waits until there are bytes behind an offset, or will never be.
    /// - Returns: how many bytes the file has, and what the daemon said if it has said so.
    /// - Throws: why the daemon could not write it.
    func waitForBytes(behind offset: UInt64) async throws -> (size: UInt64, got: Got?) {
        while true {
            // In this order: when the daemon has answered, the size is final.
            let got = try ending?.get()
            let number = file.number
            let size = try withExtendedLifetime(file) { try System.status(of: number).size }
            if size > offset || got != nil { return (size, got) }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// Reads a piece of what there is.
    func read(_ range: Range<UInt64>) async throws -> ByteBuffer {
        let count = Int(min(UInt64(range.count), UInt64(Self.pieceSize)))
        return try await threads.runIfActive { [file] in
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
                let room = UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count))
                return try withExtendedLifetime(file) { try System.read(file.number, into: room, at: range.lowerBound) }
            }
            return buffer
        }
    }
}
