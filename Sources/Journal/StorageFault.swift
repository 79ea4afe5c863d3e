import ArtifactModel
import GRDB
import Glibc

/// What a failed write to the journal means for the writes to come.
enum StorageFault {
    /// No room, and nothing was written. The text says what was found.
    case noSpace(String)
    /// The file or its file system can only be read, and nothing was written.
    case readOnly(String)
    /// A write or an fsync failed, or the file is damaged: what was written is unknown, and nothing can be relied on before a
    /// restart has looked at it.
    case broken(String)
    /// It concerns this one attempt; nothing was written.
    case passing(ArtifactError)

    /// Tells what an error from SQLite means.
    ///
    /// SQLite says FULL for ENOSPC alone and hides every other errno behind IOERR; so for those the directory is tried itself.
    /// Source: `unixWrite` in SQLite's `os_unix.c`; result codes: https://www.sqlite.org/rescode.html.
    init(_ error: any Error, probe: () -> Int32?) {
        guard let error = error as? DatabaseError else {
            self = .passing(
                error as? ArtifactError ?? ArtifactError(.internalFault, "the journal could not be written", cause: "\(error)"))
            return
        }
        let said = error.message ?? "\(error.extendedResultCode)"
        switch error.extendedResultCode {
        case .SQLITE_FULL: self = .noSpace(said)
        case .SQLITE_READONLY: self = .readOnly(said)
        // Linux reports a failed write-back once and then forgets it, so a second fsync that succeeds proves nothing.
        case .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC: self = .broken("fsync failed: \(said)")
        case .SQLITE_IOERR, .SQLITE_CANTOPEN: self = Self.told(by: probe(), said: said)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .broken("the file is damaged: \(said)")
        case .SQLITE_BUSY:
            self = .passing(
                ArtifactError(.localStorageFailed, "another process holds the journal locked; end it and try again", cause: said))
        default:
            self = .passing(ArtifactError(.internalFault, "the journal could not be written", cause: "\(error)"))
        }
    }

    var isNoSpace: Bool {
        if case .noSpace = self { true } else { false }
    }

    /// What it means for what was to be written.
    func error(in directory: String) -> ArtifactError {
        switch self {
        case .noSpace(let said):
            ArtifactError(
                .busy, "the disk of the state directory '\(directory.escapedForLog)' is full; free space there and try again",
                cause: said)
        case .readOnly(let said):
            ArtifactError(
                .localStorageFailed,
                "the state directory '\(directory.escapedForLog)' cannot be written; make it writable and try again", cause: said)
        case .broken(let said):
            ArtifactError(
                .localStorageFailed,
                "the journal in '\(directory.escapedForLog)' could not be written; check the disk, then restart artifactd",
                cause: said)
        case .passing(let error): error
        }
    }

    private static func told(by number: Int32?, said: String) -> StorageFault {
        guard let number else { return .broken(said) }
        let text = "\(said): \(String(cString: strerror(number)))"
        return switch number {
        case ENOSPC, EDQUOT: .noSpace(text)
        case EROFS: .readOnly(text)
        default: .broken(text)
        }
    }
}

extension ArtifactError {
    /// An error from reading the journal.
    init(reading error: any Error) {
        self = error as? ArtifactError ?? ArtifactError(.localStorageFailed, "the journal could not be read", cause: "\(error)")
    }
}
