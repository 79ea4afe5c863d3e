import ArtifactModel
import Glibc
import LinuxSystem
import Pipeline
import TestSupport
import Testing

@Suite struct SourceTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let content = SeededBytes.make(seed: 3, count: 100_000)

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/source"
        try WholeFile.write(content, to: path)
    }

    /// Any range is read exactly, from a file and from memory, the empty one at the end too.
    @Test func readsExactRanges() throws {
        for source in [try open(), .bytes(content)] {
            #expect(source.size == 100_000)
            for range in [0..<100_000, 0..<1, 99_999..<100_000, 5_000..<70_001, 100_000..<100_000] {
                try expectSameBytes(read(source, range), Array(content[range]))
            }
        }
    }

    /// A file that ends too early has changed; what there is of it is not taken for all.
    @Test func shortFileHasChanged() throws {
        let source = try open()
        #expect(truncate(path, 60_000) == 0)
        try expectSameBytes(read(source, 0..<60_000), Array(content[..<60_000]))
        let error = #expect(throws: ArtifactError.self) { try read(source, 50_000..<70_000) }
        #expect(error?.code == .sourceChanged)
        #expect(error?.message.contains("ends at byte 60000 instead of 100000") == true)
    }

    /// Bytes in memory end where they end.
    @Test func rangesBeyondTheBytesAreRefused() {
        for range in [99_999..<100_001, 100_001..<100_001, 200_000..<200_001] {
            let error = #expect(throws: ArtifactError.self) { try read(.bytes(content), range) }
            #expect(error?.code == .sourceChanged)
        }
    }

    /// A descriptor that cannot be read says so with the kernel's reason.
    @Test func unreadableFile() throws {
        let status = try System.status(of: path)
        let writeOnly = SharedDescriptor(try System.open(path, O_WRONLY))
        let error = #expect(throws: ArtifactError.self) { try read(.file(writeOnly, SourceFingerprint(status)), 0..<10) }
        #expect(error?.code == .sourceUnreadable)
        #expect(error?.cause?.contains("EBADF") == true)
    }

    /// What has not been touched is verified, also after rename, link and unlink, which change no content.
    @Test func untouchedFileIsVerified() throws {
        let source = try open()
        try source.verify()
        #expect(rename(path, path + ".renamed") == 0)
        try source.verify()
        #expect(link(path + ".renamed", path + ".linked") == 0)
        try source.verify()
        #expect(unlink(path + ".renamed") == 0)
        #expect(unlink(path + ".linked") == 0)
        try source.verify()
        try Source.bytes(content).verify()
    }

    /// A file that grew or shrank is told from its size.
    @Test(arguments: [0, 99_999, 100_001])
    func changeOfSize(size: Int) throws {
        let source = try open()
        #expect(truncate(path, size) == 0)
        let error = #expect(throws: ArtifactError.self) { try source.verify() }
        #expect(error?.code == .sourceChanged)
        #expect(error?.message.contains("its size went from 100000 to \(size) bytes") == true)
    }

    /// A file that was written in place is told from its modification time, to the nanosecond.
    @Test func writeInPlace() throws {
        let source = try open()
        let later = try System.status(of: path).modifiedNanoseconds + 1
        let time = timespec(tv_sec: Int(later / 1_000_000_000), tv_nsec: Int(later % 1_000_000_000))
        #expect(utimensat(AT_FDCWD, path, [time, time], 0) == 0)
        let error = #expect(throws: ArtifactError.self) { try source.verify() }
        #expect(error?.code == .sourceChanged)
        #expect(error?.message.contains("it was written to") == true)
    }

    /// A descriptor of another file is told from device and inode, equal in size and time as it may be.
    @Test func otherFile() throws {
        let descriptor = SharedDescriptor(try System.open(path, O_RDONLY))
        var fingerprint = SourceFingerprint(try System.status(of: descriptor.number))
        fingerprint.inode += 1
        let error = #expect(throws: ArtifactError.self) { try Source.file(descriptor, fingerprint).verify() }
        #expect(error?.code == .sourceChanged)
        #expect(error?.message.contains("another file") == true)
    }

    private func open() throws -> Source {
        let descriptor = SharedDescriptor(try System.open(path, O_RDONLY))
        return .file(descriptor, SourceFingerprint(try System.status(of: descriptor.number)))
    }

    private func read(_ source: Source, _ range: Range<Int>) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        try bytes.withUnsafeMutableBytes { try source.read(offset: UInt64(range.lowerBound), into: $0) }
        return bytes
    }
}
