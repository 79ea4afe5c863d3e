import ArtifactModel
import Glibc
import LinuxSystem
import Pipeline
import TestSupport
import Testing

@testable import DaemonCore

@Suite struct SourceCheckTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func refusal(_ path: String, _ flags: Int32 = O_RDONLY) throws -> ArtifactError? {
        let descriptor = try System.open(path, flags)
        let number = descriptor.number
        return failure { _ = try SourceCheck.inspect(number) }
    }

    /// A regular file that is open for reading is a source, whatever else it is open for.
    @Test func regularFiles() throws {
        let path = directory.path + "/f"
        try Rig.write([1, 2, 3], to: path)
        #expect(try refusal(path) == nil)
        #expect(try refusal(path, O_RDWR) == nil)
        #expect(try refusal(path, O_WRONLY)?.message.contains("not open for reading") == true)
        #expect(try refusal(path, clinuxPath)?.code == .invalidSource)
    }

    /// `O_PATH`, which Glibc's module leaves out: a descriptor that names a file and does not open it.
    private let clinuxPath: Int32 = 0o10_000_000

    /// What is no regular file is refused, and named.
    @Test func otherKinds() throws {
        let fifo = directory.path + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        for (path, flags) in [(fifo, O_RDONLY | O_NONBLOCK), (directory.path, O_RDONLY), ("/dev/null", O_RDONLY)] {
            let refused = try refusal(path, flags)
            #expect(refused?.code == .invalidSource)
            #expect(refused?.message.contains("only regular files") == true)
        }
        let (end, _) = try System.makeSocketPair()
        #expect(failure { _ = try SourceCheck.inspect(end.number) }?.code == .invalidSource)
    }

    /// Files of the kernel's own file systems have no size that could be believed.
    @Test(arguments: ["/proc/self/maps", "/sys/kernel/mm/transparent_hugepage/enabled"])
    func syntheticFiles(path: String) throws {
        do throws(SystemError) { _ = try System.status(of: path) } catch { return }
        #expect(try refusal(path)?.message.contains("synthetic") == true)
    }

    /// A memory file must be sealed.
    @Test func memoryFiles() throws {
        let memory = try System.makeMemoryFile(name: "m")
        let number = memory.number
        try [1, 2, 3].withUnsafeBytes { try System.write($0, to: number, at: 0) }
        #expect(failure { _ = try SourceCheck.inspect(number) }?.message.contains("seal it") == true)
        try System.seal(number)
        #expect(failure { _ = try SourceCheck.inspect(number) } == nil)
        _ = consume memory
    }

    /// A file is opened again only if it is the same one.
    @Test func reopening() throws {
        let path = directory.path + "/f"
        try Rig.write([1, 2, 3], to: path)
        let fingerprint: SourceFingerprint
        do {
            let file = try System.open(path, O_RDONLY)
            fingerprint = SourceFingerprint(try System.status(of: file.number))
        }
        #expect(try SourceCheck.reopen(path, as: fingerprint) != nil)
        try System.rename(path, to: path + "2")
        #expect(try SourceCheck.reopen(path, as: fingerprint) == nil)
        #expect(try SourceCheck.reopen(path + "2", as: fingerprint) != nil)
        try Rig.write([1, 2, 3, 4], to: path + "2")
        #expect(try SourceCheck.reopen(path + "2", as: fingerprint) == nil)
    }
}

@Suite struct SpoolFileTests {
    private func makeFile(reserved: UInt64) throws -> (SpoolFile, Spool, TemporaryDirectory) {
        let directory = try TemporaryDirectory()
        let spool = try Spool(path: directory.path, quota: 100)
        #expect(spool.reserve(reserved))
        let (_, reader) = try spool.makeFile()
        return (SpoolFile(reader: reader, reserved: reserved, in: spool), spool, directory)
    }

    /// A file that is given up gives its bytes back, once.
    @Test func discarding() throws {
        let (file, spool, _) = try makeFile(reserved: 40)
        #expect(file.setSize(60))
        #expect(!file.setSize(101))
        #expect(spool.used == 60)
        #expect(file.setSize(10))
        file.discard()
        file.discard()
        #expect(spool.used == 0)
        #expect(file.isSpent)
    }

    /// A file that became a job's keeps its bytes, whoever goes away.
    @Test func committing() throws {
        let (file, spool, _) = try makeFile(reserved: 40)
        #expect(file.beginCommit())
        #expect(!file.beginCommit())
        file.discard()
        file.committed()
        file.discard()
        #expect(spool.used == 40)
        #expect(file.isSpent)
    }

    /// A commit that failed leaves the file with its client, and with nobody if the client has gone.
    @Test func aFailedCommit() throws {
        let (file, spool, _) = try makeFile(reserved: 40)
        #expect(file.beginCommit())
        file.commitFailed()
        #expect(!file.isSpent)
        #expect(spool.used == 40)
        #expect(file.beginCommit())
        file.discard()
        #expect(spool.used == 40)
        file.commitFailed()
        #expect(spool.used == 0)
        #expect(file.isSpent)
    }
}
