import ArtifactModel
import GRDB
import Glibc
import Testing

@testable import Journal

@Suite struct StorageFaultTests {
    private func name(_ fault: StorageFault) -> String {
        switch fault {
        case .noSpace: "no space"
        case .readOnly: "read only"
        case .broken: "broken"
        case .passing(let error): "\(error.code)"
        }
    }

    /// SQLite's code alone tells what a failed write means, except for I/O errors, where trying the directory does: no space and
    /// no quota, a read-only file system, or else a fault that nothing can be relied on after.
    @Test(
        arguments: [
            (ResultCode.SQLITE_FULL, nil, "no space"),
            (.SQLITE_READONLY, nil, "read only"),
            (.SQLITE_IOERR_FSYNC, ENOSPC, "broken"),
            (.SQLITE_IOERR_DIR_FSYNC, nil, "broken"),
            (.SQLITE_IOERR_WRITE, nil, "broken"),
            (.SQLITE_IOERR_WRITE, EIO, "broken"),
            (.SQLITE_IOERR_WRITE, EDQUOT, "no space"),
            (.SQLITE_IOERR_SHMSIZE, ENOSPC, "no space"),
            (.SQLITE_IOERR_WRITE, EROFS, "read only"),
            (.SQLITE_CANTOPEN, EROFS, "read only"),
            (.SQLITE_CORRUPT, nil, "broken"),
            (.SQLITE_NOTADB, nil, "broken"),
            (.SQLITE_BUSY, nil, "local_storage_failed"),
            (.SQLITE_ERROR, nil, "internal_fault"),
        ] as [(ResultCode, Int32?, String)])
    func meaning(code: ResultCode, probed: Int32?, meaning: String) {
        #expect(name(StorageFault(DatabaseError(resultCode: code), probe: { probed })) == meaning)
    }
}
