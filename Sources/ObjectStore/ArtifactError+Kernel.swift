import ArtifactModel
import Glibc
import LinuxSystem

extension ArtifactError {
    /// What it means to a directory store's caller that the kernel refused a call.
    /// - Parameter doing: what the store was about, to follow "cannot".
    /// - Parameter root: the store's directory.
    init(_ error: SystemError, doing: String, root: String) {
        let store = "directory store '\(root.escapedForLog)'"
        // Names in the tree hold no slash, so this is the root itself, or the directory that the store made in it at its start.
        let isStoreItself = error.detail == root || error.detail == ObjectPlace.reserved
        let (code, reason): (Code, String) =
            switch error.errno {
            case ENOENT where isStoreItself, ENOTDIR where isStoreItself:
                (.noSuchBucket, "the directory is gone or is not the one it was; mount it, or restart the daemon to make it anew")
            case ENOSPC: (.storeUnavailable, "the file system is full; free some space")
            case EDQUOT: (.storeUnavailable, "the disk quota is used up; free some space or raise the quota")
            case EIO: (.storeUnavailable, "the disk failed; see the kernel's log")
            case EROFS: (.storeDenied, "the file system is mounted read-only; mount it writable")
            case EACCES, EPERM: (.storeDenied, "the daemon's user may not; change the owner or the mode of the directory")
            case ENAMETOOLONG: (.invalidKey, "a name is too long for the file system; shorten it")
            case ENOTDIR, ELOOP, EISDIR, ENOTEMPTY, EEXIST:
                (.invalidKey, "one name stands for an object and for a directory, or for a symbolic link; rename one of them")
            case ENOENT, EINTR, EAGAIN, ENOMEM, ENOBUFS, EMFILE, ENFILE, EBUSY, ESTALE, ETIMEDOUT, ENOTCONN, ENODEV, ENXIO,
                EHOSTDOWN:
                (.storeUnavailable, "a passing failure of the system")
            default: (.storeRejected, "the file system cannot do that")
            }
        self.init(code, "\(store): cannot \(doing): \(reason)", cause: error.description)
    }
}
