import LinuxSystem
import Synchronization

/// A spool file that a client writes to, from `openSpool` to its commit, its discard or the end of the connection.
///
/// Belongs to its session's thread; only the commit's outcome comes from the committer's or the journal's.
final class SpoolFile: Sendable {
    /// Legal transitions: open → committing → committed, or back to open; open → gone; committing → abandoned → committed or gone.
    private enum Phase {
        /// The client's.
        case open
        /// It is being made durable and journalled as a job's.
        case committing
        /// The same, and nobody wants it back should that fail.
        case abandoned
        /// A job's, and with it its bytes of the quota.
        case committed
        /// Given up.
        case gone
    }

    /// The daemon's own way to the file, for reading.
    let reader: SharedDescriptor
    private let spool: Spool
    private let state: Mutex<(phase: Phase, reserved: UInt64)>

    /// A file for which so many bytes of the spool's quota are set aside.
    init(reader: SharedDescriptor, reserved: UInt64, in spool: Spool) {
        self.reader = reader
        self.spool = spool
        state = Mutex((.open, reserved))
    }

    /// Whether the client can no longer do anything with it.
    var isSpent: Bool { state.withLock { $0.phase == .committed || $0.phase == .gone } }

    /// Begins to make it a job's; false when that is under way already, or done.
    func beginCommit() -> Bool {
        state.withLock { state in
            guard state.phase == .open else { return false }
            state.phase = .committing
            return true
        }
    }

    /// A job has it.
    func committed() { state.withLock { $0.phase = .committed } }

    /// No job came of it: it is the client's again, if there still is one.
    func commitFailed() {
        state.withLock { state in
            if state.phase == .abandoned { spool.release(state.reserved) }
            state.phase = state.phase == .abandoned ? .gone : .open
        }
    }

    /// Sets the reservation to what the file really has; false when the quota does not allow it, and nothing changes then.
    func setSize(_ size: UInt64) -> Bool {
        state.withLock { state in
            if size > state.reserved {
                guard spool.reserve(size - state.reserved) else { return false }
            } else {
                spool.release(state.reserved - size)
            }
            state.reserved = size
            return true
        }
    }

    /// The client gives it up.
    func discard() {
        state.withLock { state in
            switch state.phase {
            case .open:
                spool.release(state.reserved)
                state.phase = .gone
            case .committing: state.phase = .abandoned
            case .abandoned, .committed, .gone: break
            }
        }
    }
}
