import ArtifactModel
import Glibc

/// Whether the journal takes hand-overs, and why not.
public enum JournalCondition: Sendable, Equatable {
    /// It does.
    case ok
    /// No room: hand-overs are refused, and the jobs at hand go on in the room that the reserve freed. Ends by itself when there
    /// is room again. `since` is Unix time in milliseconds.
    case full(since: Int64, reason: String)
    /// Nothing can be written: hand-overs are refused. Ends by itself when the directory can be written again.
    case readOnly(reason: String)
    /// The journal's files were moved away, deleted or replaced: hand-overs are refused. Ends by itself when they are back. The
    /// jobs at hand go on; what is still pending at a restart is lost.
    case displaced(reason: String)
    /// A write or an fsync failed: hand-overs are refused until a restart. The jobs at hand go on as far as they can; what is
    /// lost of their progress costs work, never data.
    case failed(reason: String)
}

extension JournalCondition {
    /// What opening finds: whether the reserve can be held.
    init(holding reserve: Reserve, in directory: String, now: Int64) throws(ArtifactError) {
        guard let number = reserve.hold() else {
            self = .ok
            return
        }
        let reason = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT: self = .full(since: now, reason: reason)
        case EROFS: self = .readOnly(reason: reason)
        default:
            throw ArtifactError(
                .localStorageFailed,
                "no room can be reserved in '\(directory.escapedForLog)'; see to the state directory", cause: reason)
        }
    }
}
