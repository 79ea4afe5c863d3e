import Glibc
import Testing

@testable import LinuxSystem

@Suite struct SystemTests {
    /// An interrupted call is made again; any other error is thrown at once.
    @Test func interruptedCallsAreRepeated() throws {
        var calls = 0
        let result = try System.retrying("read") { () -> Int in
            calls += 1
            errno = EINTR
            return calls < 3 ? -1 : 7
        }
        #expect(result == 7)
        #expect(calls == 3)
        let error = try systemError {
            _ = try System.retrying("read", "/x") { () -> Int in
                calls += 1
                errno = EIO
                return -1
            }
        }
        #expect(error == SystemError(call: "read", errno: EIO, detail: "/x"))
        #expect(calls == 4)
    }

    /// A NUL cannot cut a path short: the call is refused.
    @Test func pathsWithNULAreRefused() throws {
        let directory = try TemporaryDirectory()
        try directory.write("secret", to: "a")
        let folder = try System.open(directory.path, O_RDONLY | O_DIRECTORY)
        #expect(try systemError { _ = try System.open("a\0.txt", in: folder.number, O_RDONLY) }.errno == EINVAL)
        #expect(try systemError { try System.unlink("a\0", in: folder.number) }.errno == EINVAL)
        #expect(try systemError { try System.rename("a", in: folder.number, to: "b\0", in: folder.number) }.errno == EINVAL)
        #expect(try System.status(of: "a", in: folder.number).size == 6)
    }

    /// A read at an offset fills the buffer or reaches the end, and says how far it came.
    @Test func readsUntilTheEnd() throws {
        let directory = try TemporaryDirectory()
        try directory.write("0123456789", to: "f")
        let file = try System.open(directory("f"), O_RDONLY)
        #expect(try text(file.number, at: 0, count: 4) == "0123")
        #expect(try text(file.number, at: 7, count: 64) == "789")
        #expect(try text(file.number, at: 10, count: 4) == "")
        #expect(try systemError { _ = try text(file.number, at: .max, count: 4) }.errno == EOVERFLOW)
    }

    /// A write that the kernel takes in pieces arrives whole.
    @Test func writesPiecesUntilDone() throws {
        let (reader, writer) = try System.makePipe()
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        // A pipe holds 64 KiB, so the write comes back in the middle; a reader's thread empties it.
        let received = try withReader(of: reader) {
            try bytes.withUnsafeBytes { try System.write($0, to: writer.number) }
        }
        #expect(received == bytes.count)
    }

    /// Positioned writes leave holes and the descriptor's offset alone.
    @Test func writesAtOffsets() throws {
        let file = try System.makeMemoryFile(name: "test")
        try Array("tail".utf8).withUnsafeBytes { try System.write($0, to: file.number, at: 6) }
        try put("head", file.number)
        #expect(try text(file.number) == "head\0\0tail")
        try System.truncate(file.number, to: 4)
        #expect(try text(file.number) == "head")
    }

    /// A nameless file gets its name by a link, with the content it had; a taken name is refused.
    @Test func temporaryFilesAreLinkedIn() throws {
        let directory = try TemporaryDirectory()
        let folder = try System.open(directory.path, O_RDONLY | O_DIRECTORY)
        let file = try System.openTemporary(in: folder.number)
        try put("bytes", file.number)
        #expect(try System.status(of: file.number).linkCount == 0)
        try System.link(file.number, as: "f", in: folder.number)
        try System.fsync(folder.number)
        let found = try System.open("f", in: folder.number, O_RDONLY)
        #expect(try text(found.number) == "bytes")
        #expect(try System.status(of: file.number).linkCount == 1)
        #expect(try systemError { try System.link(file.number, as: "f", in: folder.number) }.errno == EEXIST)
    }

    /// A file that lost its last name cannot be linked again: the pin must be something else.
    @Test func unlinkedFilesCannotBeLinked() throws {
        let directory = try TemporaryDirectory()
        try directory.write("bytes", to: "f")
        let folder = try System.open(directory.path, O_RDONLY | O_DIRECTORY)
        let file = try System.open(directory("f"), O_RDONLY)
        try System.unlink("f", in: folder.number)
        #expect(try systemError { try System.link(file.number, as: "g", in: folder.number) }.errno == ENOENT)
    }

    /// A second open of the same file has an offset and an access mode of its own.
    @Test func reopensForReading() throws {
        let file = try System.makeMemoryFile(name: "test")
        try put("bytes", file.number)
        let reader = try System.reopen(file.number, O_RDONLY)
        #expect(try System.accessMode(of: reader.number) == .readOnly)
        #expect(try System.accessMode(of: file.number) == .readWrite)
        #expect(try text(reader.number) == "bytes")
    }

    /// What cannot be read is told apart: write-only, and descriptors that name a file without opening it.
    @Test func tellsAccessModes() throws {
        let directory = try TemporaryDirectory()
        try directory.write("bytes", to: "f")
        let writer = try System.open(directory("f"), O_WRONLY)
        let path = try System.open(directory("f"), 0o10000000)
        #expect(try System.accessMode(of: writer.number) == .writeOnly)
        #expect(try System.accessMode(of: path.number) == .pathOnly)
        #expect(try !System.accessMode(of: writer.number).canRead)
        #expect(try !System.accessMode(of: path.number).canRead)
    }

    /// The kinds of files are told apart, and a symbolic link is not its target unless asked for.
    @Test func tellsKindsOfFiles() throws {
        let directory = try TemporaryDirectory()
        try directory.write("12345", to: "f")
        #expect(mkfifo(directory("fifo"), 0o600) == 0)
        #expect(symlink("f", directory("link")) == 0)
        #expect(try System.status(of: directory("f")).isRegular)
        #expect(try System.status(of: directory("f")).size == 5)
        #expect(try System.status(of: directory.path).isDirectory)
        #expect(try System.status(of: directory("fifo")).kindName == "FIFO")
        #expect(try System.status(of: directory("link")).kindName == "symbolic link")
        #expect(try System.status(of: directory("link"), followLink: true).isRegular)
        #expect(try System.status(of: "/dev/null").kindName == "character device")
        let (left, _) = try System.makeSocketPair()
        #expect(try System.status(of: left.number).kindName == "socket")
        #expect(try systemError { _ = try System.status(of: directory("none")) }.errno == ENOENT)
    }

    /// The modification time has the nanoseconds.
    @Test func readsModificationTimes() throws {
        let file = try System.makeMemoryFile(name: "test")
        let times = [timespec(tv_sec: 7, tv_nsec: 9), timespec(tv_sec: 1_234_567_890, tv_nsec: 123_456_789)]
        #expect(futimens(file.number, times) == 0)
        #expect(try System.status(of: file.number).modifiedNanoseconds == 1_234_567_890_123_456_789)
    }

    /// procfs is told from file systems whose files have content of their own.
    @Test func tellsFileSystems() throws {
        let proc = try System.open("/proc/self/status", O_RDONLY)
        #expect(try System.fileSystemType(of: proc.number) == .proc)
        #expect(try System.fileSystemType(of: proc.number).isSynthetic)
        let memory = try System.makeMemoryFile(name: "test")
        #expect(try !System.fileSystemType(of: memory.number).isSynthetic)
        #expect(try System.fileSystemType(of: memory.number) != .fuse)
    }

    /// Only write, shrink and grow together make a seal; that the kernel answers proves nothing.
    @Test func onlyAWholeSealCounts() throws {
        let directory = try TemporaryDirectory()
        try directory.write("bytes", to: "f")
        let plain = try System.open(directory("f"), O_RDWR)
        #expect(try !System.isSealed(plain.number))
        let memory = try System.makeMemoryFile(name: "test")
        try put("bytes", memory.number)
        #expect(try !System.isSealed(memory.number))
        // F_ADD_SEALS with F_SEAL_SHRINK alone.
        #expect(fcntl(memory.number, 1033, 2) == 0)
        #expect(try !System.isSealed(memory.number))
        try System.seal(memory.number)
        #expect(try System.isSealed(memory.number))
        #expect(try systemError { try put("more", memory.number) }.errno == EPERM)
    }

    /// A lock is held by one open file at a time, and given up when that is closed.
    @Test func locksExcludeEachOther() throws {
        let directory = try TemporaryDirectory()
        let first = try System.open(directory("lock"), O_RDWR | O_CREAT)
        let second = try System.open(directory("lock"), O_RDWR)
        #expect(try System.lockExclusively(first.number))
        #expect(try !System.lockExclusively(second.number))
        try first.close()
        #expect(try System.lockExclusively(second.number))
    }

    /// A read lease is had only when no writer is left.
    @Test func leasesFindWriters() throws {
        let directory = try TemporaryDirectory()
        let folder = try System.open(directory.path, O_RDONLY | O_DIRECTORY)
        let writer = try System.openTemporary(in: folder.number)
        let reader = try System.reopen(writer.number, O_RDONLY)
        #expect(try !System.takeReadLease(reader.number))
        try writer.close()
        #expect(try System.takeReadLease(reader.number))
        try System.dropLease(reader.number)
    }

    /// The kernel copies the range that is there and says how much that was.
    @Test func copiesRanges() throws {
        let directory = try TemporaryDirectory()
        try directory.write("0123456789", to: "f")
        let source = try System.open(directory("f"), O_RDONLY)
        let target = try System.open(directory("g"), O_RDWR | O_CREAT)
        #expect(try System.copy(100, from: source.number, at: 4, to: target.number, at: 1) == 6)
        #expect(try text(target.number) == "\u{0}456789")
    }

    /// Missing directories are made, once; what is in the way is named.
    @Test func makesDirectories() throws {
        let directory = try TemporaryDirectory()
        #expect(try System.makeDirectories(directory("a/b/c/")))
        #expect(try System.status(of: directory("a/b/c")).isDirectory)
        #expect(try !System.makeDirectories(directory("a/b/c")))
        try directory.write("", to: "f")
        #expect(try systemError { try System.makeDirectories(directory("f")) }.errno == ENOTDIR)
        #expect(try systemError { try System.makeDirectories(directory("f/x")) }.errno == ENOTDIR)
        let folder = try System.open(directory.path, O_RDONLY | O_DIRECTORY)
        #expect(try System.makeDirectories("d/e", in: folder.number))
        #expect(try System.status(of: directory("d/e")).isDirectory)
    }

    /// In a directory that was removed, making another fails instead of trying for ever.
    @Test func makesNothingInRemovedDirectories() throws {
        let directory = try TemporaryDirectory()
        try System.makeDirectory(directory("gone"))
        let gone = try System.open(directory("gone"), O_RDONLY | O_DIRECTORY)
        try System.removeDirectory(directory("gone"))
        #expect(try systemError { try System.makeDirectories("x/y", in: gone.number) }.errno == ENOENT)
    }

    /// A rename replaces what had the name.
    @Test func renameReplaces() throws {
        let directory = try TemporaryDirectory()
        try directory.write("new", to: "a")
        try directory.write("old", to: "b")
        try System.rename(directory("a"), to: directory("b"))
        let file = try System.open(directory("b"), O_RDONLY)
        #expect(try text(file.number) == "new")
        #expect(try systemError { _ = try System.status(of: directory("a")) }.errno == ENOENT)
    }

    /// A wait ends at its deadline, never before, with nothing ready.
    @Test func pollEndsAtTheDeadline() throws {
        let (reader, _) = try System.makeSocketPair()
        var entries = [pollfd(fd: reader.number, events: Int16(POLLPRI), revents: 0)]
        entries[0].fd = -1
        let deadline = System.monotonicNanoseconds() + 5_500_000
        #expect(try System.poll(&entries, until: deadline) == 0)
        #expect(System.monotonicNanoseconds() >= deadline)
    }

    /// A signal makes the counter readable, however often it comes, until it is drained.
    @Test func wakeupsAreKeptUntilDrained() throws {
        let wakeup = try Wakeup()
        #expect(try !isReadable(wakeup.number))
        try wakeup.signal()
        try wakeup.signal()
        #expect(try isReadable(wakeup.number))
        try wakeup.drain()
        #expect(try !isReadable(wakeup.number))
        try wakeup.drain()
    }

    /// This process exists; the number that no process can have does not.
    @Test func tellsWhetherProcessesExist() throws {
        #expect(try System.processExists(getpid()))
        #expect(try System.processExists(1))
        #expect(try !System.processExists(.max))
    }

    /// The limits and the free space are what the kernel says, not zero.
    @Test func readsLimits() throws {
        let limit = try System.descriptorLimit()
        #expect(limit.soft > 2 && limit.hard >= limit.soft)
        try System.setDescriptorLimit(soft: limit.soft)
        let folder = try System.open("/", O_RDONLY | O_DIRECTORY)
        #expect(try System.freeBytes(near: folder.number) > 0)
    }

    private func isReadable(_ number: Int32) throws -> Bool {
        var entries = [pollfd(fd: number, events: Int16(POLLIN), revents: 0)]
        return try System.poll(&entries, until: 0) == 1
    }

    /// Runs the body while another thread reads the pipe to its end of `count` bytes; returns how many came.
    private func withReader(of reader: SharedDescriptor, _ body: () throws -> Void) throws -> Int {
        let drain = PipeDrain(reader, expecting: 1_000_000)
        try drain.start()
        try body()
        return drain.join()
    }
}

/// A thread that reads so many bytes from a pipe.
private final class PipeDrain: @unchecked Sendable {
    private let reader: SharedDescriptor
    private let expected: Int
    private var thread = pthread_t()
    private var count = 0

    init(_ reader: SharedDescriptor, expecting expected: Int) {
        self.reader = reader
        self.expected = expected
    }

    func start() throws {
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<PipeDrain>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        try #require(code == 0)
    }

    func join() -> Int {
        pthread_join(thread, nil)
        return count
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 7_777)
        while count < expected {
            let got = buffer.withUnsafeMutableBytes { read(reader.number, $0.baseAddress, $0.count) }
            if got <= 0 { return }
            count += got
        }
    }
}
