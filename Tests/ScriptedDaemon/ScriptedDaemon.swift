import Foundation
import Glibc
import LinuxSystem
import Synchronization

/// A daemon that does what a test's script says: it takes one connection, on a thread of its own.
public final class ScriptedDaemon: Sendable {
    /// The test kit could not do its work, or the client did something that the script does not expect.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        public init(_ description: String) { self.description = description }
    }

    private let outcome = Mutex<Result<Void, any Error>?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    /// Listens, and runs the script with the first client that connects. The connection ends with the script.
    /// - Parameter path: where; nobody may listen there yet.
    public init(at path: String, _ script: @escaping @Sendable (Peer) throws -> Void) throws {
        let listener = try UnixListener.bind(path: path)
        Thread.detachNewThread { [self] in
            let result = Result { try script(Peer(try Self.accept(listener))) }
            outcome.withLock { $0 = result }
            ended.signal()
        }
    }

    /// Waits for the script's end.
    /// - Throws: what the script threw.
    public func finish() throws {
        guard ended.wait(timeout: .now() + 30) == .success else { throw Failure("the script has not ended") }
        try outcome.withLock { $0 }?.get()
    }

    private static func accept(_ listener: UnixListener) throws -> Descriptor {
        var polled = [pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)]
        let deadline = System.monotonicNanoseconds() + 30_000_000_000
        while try System.poll(&polled, until: deadline) > 0 {
            if let connection = try listener.accept() { return connection }
        }
        throw Failure("no client has connected")
    }
}
