import LinuxSystem
import Synchronization

/// A spool file that a client writes to, from `openSpool` to its commit, its discard or the end of the connection.
///
/// Belongs to its session's thread; only the commit's outcome comes from the journal's.
final class SpoolFile: Sendable {
    /// The daemon's own way to the file, for reading.
    let reader: SharedDescriptor
    private let state: Mutex<(reserved: UInt64, isCommitted: Bool)>

    init(reader: SharedDescriptor, reserved: UInt64) {
        self.reader = reader
        state = Mutex((reserved, false))
    }

    /// Whether a job has taken the file over, and its bytes of the quota with it.
    var isCommitted: Bool {
        get { state.withLock { $0.isCommitted } }
        set { state.withLock { $0.isCommitted = newValue } }
    }

    /// Sets the reservation to what the file really has; false when the quota does not allow it, and nothing changes then.
    func setSize(_ size: UInt64, in spool: Spool) -> Bool {
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

    /// Gives the quota back unless a job has taken it over.
    func discard(in spool: Spool) {
        state.withLock { state in
            if !state.isCommitted { spool.release(state.reserved) }
            state.isCommitted = true
        }
    }
}
