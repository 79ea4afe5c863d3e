import ArtifactClient
import ArtifactModel
import ArtifactWire
import LinuxSystem
import NIOCore
import NIOPosix

/// The bytes of one upload on their way to the daemon: kept here while they are few, else written to a spool file of the daemon's.
///
/// Belongs to the task of the upload. Exactly one of `commit` and `discard` ends it.
final class IncomingFile {
    /// The most bytes that are kept here.
    private static let keptBytes = 64 << 10
    /// After so many bytes the file is synced while further ones are written: the daemon's own sync, for which the client waits and
    /// others on the link too, then has little left to do.
    private static let syncInterval: UInt64 = 32 << 20

    private let link: DaemonLink
    private let threads: NIOThreadPool
    private let expected: UInt64
    private var kept = ByteBuffer()
    private var spool: SpoolFile?
    private var sync: Task<Void, any Error>?
    private var synced: UInt64 = 0
    /// How many bytes there are so far.
    private(set) var size: UInt64 = 0

    /// - Parameter expected: how many bytes the upload has at most, as far as known: room is set aside for them.
    /// - Parameter threads: where files are written.
    init(link: DaemonLink, expected: UInt64, threads: NIOThreadPool) {
        self.link = link
        self.expected = expected
        self.threads = threads
    }

    /// Takes bytes, and returns when there is room for more.
    func append(_ bytes: ByteBuffer) async throws {
        size += UInt64(bytes.readableBytes)
        // Small pieces wait for each other; large ones are not copied together.
        if kept.readableBytes + bytes.readableBytes <= min(Self.keptBytes, Int(clamping: link.welcome.inlineLimit)) {
            kept.writeImmutableBuffer(bytes)
        } else {
            try await write([kept, bytes])
            kept.clear()
        }
    }

    /// Hands the bytes over.
    /// - Parameter request: makes the request from its source.
    /// - Throws: `ClientError`; nothing is left behind then.
    func commit(_ request: (Put.Source) -> Put) async throws -> Accepted {
        guard let spool else {
            return try await accepted(request(.inline(Array(kept.readableBytesView))))
        }
        do {
            if kept.readableBytes > 0 { try await write([kept]) }
            try await sync?.value
            spool.close()
            let accepted = try await accepted(request(.spool(spool.number)))
            self.spool = nil
            return accepted
        } catch {
            await discard()
            throw error
        }
    }

    /// Gives the bytes up.
    func discard() async {
        guard let spool else { return }
        self.spool = nil
        // How it ended does not matter any more.
        _ = await sync?.result
        spool.close()
        do {
            _ = try await link.call(.discardSpool(DiscardSpool(spool: spool.number)))
        } catch {
            // The daemon has taken it, or the connection is gone, and with it the file.
        }
    }

    private func accepted(_ put: Put) async throws -> Accepted {
        guard case .accepted(let accepted) = try await link.call(.put(put)).message else { throw ClientError.confused }
        return accepted
    }

    private func write(_ pieces: [ByteBuffer]) async throws {
        let file = try await openedSpool()
        let count = pieces.reduce(UInt64(0)) { $0 + UInt64($1.readableBytes) }
        try await threads.runIfActive { try file.write(pieces) }
        synced += count
        guard synced >= Self.syncInterval else { return }
        synced = 0
        try await sync?.value
        let threads = threads
        sync = Task { try await threads.runIfActive { try file.sync() } }
    }

    private func openedSpool() async throws -> SpoolFile {
        if let spool { return spool }
        let answer = try await link.call(.openSpool(OpenSpool(sizeHint: expected)))
        guard case .spoolOpened(let opened) = answer.message, let descriptor = answer.descriptor else {
            throw ClientError.confused
        }
        let file = SpoolFile(number: opened.spool, descriptor: descriptor)
        spool = file
        return file
    }
}

extension ClientError {
    /// Cannot be met: an answer of another kind than the request's ends the connection before.
    static let confused = ClientError.failure(ArtifactError(.internalFault, "an answer of the wrong kind was let through"))
}
