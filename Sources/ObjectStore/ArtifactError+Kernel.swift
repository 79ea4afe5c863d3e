import ArtifactModel
import Glibc
import LinuxSystem

extension ArtifactError {
    /// What it means to a directory store's caller that the kernel refused a call.
    ///
    /// Whatever an administrator or time can mend is an outage: jobs wait and go on once it is mended.
    /// - Parameter doing: what the store was about, to follow "cannot".
    /// - Parameter root: the store's directory.
    init(_ error: SystemError, doing: String, root: String) {
        let (code, reason): (Code, String) =
            switch error.errno {
            case ENOENT where error.concernsStore, ENOTDIR where error.concernsStore:
                (
                    .storeUnavailable,
                    "the store is not there; mount its file system or put the directory back. Only if it is lost for good and a new "
                        + "store shall begin there: make the directory '\(root.escapedForLog)/\(DirectoryStore.headersPath)'"
                )
            case ENOSPC: (.storeUnavailable, "the file system is full; free some space")
            case EDQUOT: (.storeUnavailable, "the disk quota is used up; free some space or raise the quota")
            case EIO, EREMOTEIO, EUCLEAN: (.storeUnavailable, "the disk failed; see the kernel's log")
            case EROFS: (.storeUnavailable, "the file system is mounted read-only; mount it writable")
            case EACCES, EPERM: (.storeUnavailable, "the daemon's user may not; change the owner or the mode of the directory")
            case ENAMETOOLONG where !error.concernsStore: (.invalidKey, "a name is too long for the file system; shorten it")
            case ENOTDIR, ELOOP, EISDIR, ENOTEMPTY, EEXIST:
                (.invalidKey, "one name stands for an object and for a directory, or for a symbolic link; rename one of them")
            case ENOENT:
                (.storeUnavailable, "a directory of the store's own went away; restart the daemon to make it anew if that stays")
            case ESTALE, ETIMEDOUT, ENOTCONN, ENODEV, ENXIO, ENOLINK, ESHUTDOWN, EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETUNREACH,
                ECONNREFUSED, ECONNRESET, ECONNABORTED:
                (.storeUnavailable, "its file system does not answer; see whether it is mounted and its server runs")
            case EINTR, EAGAIN, ENOMEM, ENOBUFS, EMFILE, ENFILE, EBUSY: (.storeUnavailable, "a passing failure of the system")
            default: (.storeRejected, "the file system cannot do that")
            }
        self.init(
            code, "directory store '\(root.escapedForLog)': cannot \(doing): \(reason)", cause: error.description)
    }
}
