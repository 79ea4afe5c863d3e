import CLinux
public import Glibc

/// The kernel's calls, each with its errors as `SystemError`. Who this process is stands in `System+Identity`; else no
/// other file of this module calls the kernel.
///
/// Descriptors are opened close-on-exec without exception. An interrupted call is made again. Paths are text without NUL:
/// one inside would cut the path short, so it is refused with EINVAL. `directory` parameters take a directory's descriptor,
/// or `AT_FDCWD`.
public enum System {
    /// Makes a call until no signal interrupts it; -1 becomes the error that the call left in `errno`.
    static func retrying<Result: SignedInteger>(
        _ call: String, _ detail: @autoclosure () -> String? = nil, _ body: () -> Result
    ) throws(SystemError) -> Result {
        while true {
            let result = body()
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw SystemError(call: call, errno: code, detail: detail()) }
        }
    }

    /// The same for a call about a path.
    private static func retrying<Result: SignedInteger>(
        _ call: String, path: String, _ body: (UnsafePointer<CChar>) -> Result
    ) throws(SystemError) -> Result {
        if path.utf8.contains(0) { throw SystemError(call: call, errno: EINVAL, detail: path) }
        return try retrying(call, path) { path.withCString(body) }
    }

    /// The same for calls that return the error's number themselves.
    private static func checking(_ call: String, _ body: () -> Int32) throws(SystemError) {
        while true {
            let code = body()
            if code == 0 { return }
            if code != EINTR { throw SystemError(call: call, errno: code) }
        }
    }
}

// MARK: - Opening and closing

extension System {
    /// Opens a path, relative to `directory`. `mode` (less the umask) is for `O_CREAT`.
    public static func open(
        _ path: String, in directory: Int32 = AT_FDCWD, _ flags: Int32, mode: UInt32 = 0o600
    ) throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("openat", path: path) { openat(directory, $0, flags | O_CLOEXEC, mode) })
    }

    /// Opens a file without a name in a directory, for reading and writing; `link` gives it one.
    /// - Throws: EOPNOTSUPP where the file system has no `O_TMPFILE`.
    public static func openTemporary(in directory: Int32, mode: UInt32 = 0o600) throws(SystemError) -> Descriptor {
        try open(".", in: directory, CLINUX_O_TMPFILE_BIT | O_DIRECTORY | O_RDWR, mode: mode)
    }

    /// Opens the file behind a descriptor once more, with an offset and flags of its own.
    /// - Throws: EACCES when the file's permission bits do not allow it: they are asked again.
    public static func reopen(_ descriptor: Int32, _ flags: Int32) throws(SystemError) -> Descriptor {
        try open("/proc/self/fd/\(descriptor)", flags)
    }

    /// Makes an anonymous file in memory that can be sealed. The name is for `/proc` alone.
    public static func makeMemoryFile(name: String) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try retrying("memfd_create", path: name) {
                memfd_create($0, CLINUX_MFD_CLOEXEC | CLINUX_MFD_ALLOW_SEALING)
            })
    }

    /// A second descriptor for the same open file.
    public static func duplicate(_ descriptor: Int32) throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("fcntl(F_DUPFD_CLOEXEC)") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) })
    }

    /// Closes a descriptor, which is gone even when this throws.
    ///
    /// Not made again after a signal: Linux has freed the number by then, and another thread may have been given it.
    static func close(_ descriptor: Int32) throws(SystemError) {
        guard Glibc.close(descriptor) == -1, errno != EINTR else { return }
        throw SystemError(call: "close", errno: errno)
    }

    /// Makes a pipe.
    public static func makePipe() throws(SystemError) -> (reader: SharedDescriptor, writer: SharedDescriptor) {
        var ends: [2 of Int32] = [-1, -1]
        _ = try retrying("pipe2") { withUnsafeMutablePointer(to: &ends[0]) { pipe2($0, O_CLOEXEC) } }
        return (SharedDescriptor(owning: ends[0]), SharedDescriptor(owning: ends[1]))
    }

    /// Makes a counter that `poll` can wait for; see `Wakeup`.
    static func makeEventCounter() throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
    }
}

// MARK: - Asking about files

extension System {
    /// The status of an open file.
    public static func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
        var status = stat()
        _ = try retrying("fstat") { fstat(descriptor, &status) }
        return FileStatus(status)
    }

    /// The status of the file that a path, relative to `directory`, names.
    /// - Parameter followLink: whether a symbolic link at the path's end stands for its target.
    /// - Throws: ENOENT when there is no such file.
    public static func status(
        of path: String, in directory: Int32 = AT_FDCWD, followLink: Bool = false
    ) throws(SystemError) -> FileStatus {
        var status = stat()
        _ = try retrying("fstatat", path: path) { fstatat(directory, $0, &status, followLink ? 0 : AT_SYMLINK_NOFOLLOW) }
        return FileStatus(status)
    }

    /// The type of the file system that an open file lies on.
    public static func fileSystemType(of descriptor: Int32) throws(SystemError) -> FileSystemType {
        var status = CLinux.statfs()
        _ = try retrying("fstatfs") { fstatfs(descriptor, &status) }
        // The kernel's numbers have 32 bits; the field is signed and wider.
        return FileSystemType(rawValue: UInt64(UInt32(truncatingIfNeeded: status.f_type)))
    }

    /// The bytes that an unprivileged user may still write to the file system of an open file.
    public static func freeBytes(near descriptor: Int32) throws(SystemError) -> UInt64 {
        var status = statvfs()
        _ = try retrying("fstatvfs") { fstatvfs(descriptor, &status) }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// The flags of `F_GETFL`.
    public static func statusFlags(of descriptor: Int32) throws(SystemError) -> Int32 {
        try retrying("fcntl(F_GETFL)") { fcntl(descriptor, F_GETFL, 0) }
    }

    /// Sets the flags that `F_SETFL` can change, for everyone who shares the open file.
    public static func setStatusFlags(_ flags: Int32, of descriptor: Int32) throws(SystemError) {
        _ = try retrying("fcntl(F_SETFL)") { fcntl(descriptor, F_SETFL, flags) }
    }

    /// What the descriptor was opened for.
    public static func accessMode(of descriptor: Int32) throws(SystemError) -> AccessMode {
        AccessMode(statusFlags: try statusFlags(of: descriptor))
    }

    /// Has the descriptor closed in a program that this one executes.
    static func closeOnExec(_ descriptor: Int32) throws(SystemError) {
        _ = try retrying("fcntl(F_SETFD)") { fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    /// Whether the file is sealed against writing, shrinking and growing. False for files that cannot be sealed.
    ///
    /// That the kernel answers at all proves nothing: a plain file on tmpfs has a seal too (`F_SEAL_SEAL`).
    public static func isSealed(_ descriptor: Int32) throws(SystemError) -> Bool {
        do throws(SystemError) {
            let seals = try retrying("fcntl(F_GET_SEALS)") { fcntl(descriptor, CLINUX_F_GET_SEALS, 0) }
            return seals & wholeSeal == wholeSeal
        } catch {
            if error.errno == EINVAL { return false }
            throw error
        }
    }

    /// Seals a memory file against writing, shrinking and growing, for good.
    /// - Throws: EBUSY while a writable mapping of it exists; EPERM when it was opened for reading alone.
    public static func seal(_ descriptor: Int32) throws(SystemError) {
        _ = try retrying("fcntl(F_ADD_SEALS)") { fcntl(descriptor, CLINUX_F_ADD_SEALS, wholeSeal) }
    }

    private static let wholeSeal = CLINUX_F_SEAL_WRITE | CLINUX_F_SEAL_SHRINK | CLINUX_F_SEAL_GROW
}

// MARK: - Reading and writing

extension System {
    /// Reads what is there, at most the buffer. 0 is the end.
    public static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try retrying("read") { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Reads at an offset until the buffer is full or the file ends; returns the bytes read.
    public static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(SystemError) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let position = try position(offset, plus: done, "pread")
            let count = try retrying("pread") { pread(descriptor, rest.baseAddress, rest.count, position) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Writes all bytes at the descriptor's own offset.
    public static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = try retrying("write") { Glibc.write(descriptor, rest.baseAddress, rest.count) }
            // Nothing written and no error would turn this loop into a spin.
            if count == 0 { throw SystemError(call: "write", errno: EIO) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Writes all bytes at an offset.
    public static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: UInt64
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let position = try position(offset, plus: done, "pwrite")
            let count = try retrying("pwrite") { pwrite(descriptor, rest.baseAddress, rest.count, position) }
            if count == 0 { throw SystemError(call: "pwrite", errno: EIO) }
            done += count
        }
    }

    /// Copies bytes from one file to another within the kernel, until `count` or the source's end; returns the bytes copied.
    /// - Throws: EXDEV or EOPNOTSUPP where the file systems cannot; then read and write.
    public static func copy(
        _ count: UInt64, from source: Int32, at sourceOffset: UInt64, to target: Int32, at targetOffset: UInt64
    ) throws(SystemError) -> UInt64 {
        var input = try position(sourceOffset, plus: 0, "copy_file_range")
        var output = try position(targetOffset, plus: 0, "copy_file_range")
        var rest = count
        while rest > 0 {
            // The kernel itself stops at 2 GiB a call.
            let step = Int(min(rest, 1 << 30))
            let copied = try retrying("copy_file_range") { copy_file_range(source, &input, target, &output, step, 0) }
            if copied == 0 { break }
            rest -= UInt64(copied)
        }
        return count - rest
    }

    /// Makes `target` share all of `source`'s blocks (a reflink). Writes the source's dirty pages first, so it can take seconds.
    /// - Throws: EOPNOTSUPP, EINVAL or EXDEV where the file systems cannot.
    public static func clone(_ source: Int32, to target: Int32) throws(SystemError) {
        _ = try retrying("ioctl(FICLONE)") { ioctl(target, UInt(CLINUX_FICLONE), source) }
    }

    /// Makes the file `size` bytes long.
    public static func truncate(_ descriptor: Int32, to size: UInt64) throws(SystemError) {
        let length = try position(size, plus: 0, "ftruncate")
        _ = try retrying("ftruncate") { ftruncate(descriptor, length) }
    }

    /// Puts a file's bytes and status, or a directory's names, on stable storage.
    /// - Throws: EIO means that bytes are lost; a second call that succeeds proves nothing.
    public static func fsync(_ descriptor: Int32) throws(SystemError) {
        _ = try retrying("fsync") { Glibc.fsync(descriptor) }
    }

    /// Puts a file's bytes, and what of its status is needed to read them, on stable storage. EIO as for `fsync`.
    public static func fdatasync(_ descriptor: Int32) throws(SystemError) {
        _ = try retrying("fdatasync") { Glibc.fdatasync(descriptor) }
    }

    /// Tells the kernel how a range will be read (`POSIX_FADV_…`); length 0 is to the end.
    public static func advise(
        _ descriptor: Int32, _ advice: Int32, at offset: UInt64 = 0, length: UInt64 = 0
    ) throws(SystemError) {
        let start = try position(offset, plus: 0, "posix_fadvise")
        let count = try position(length, plus: 0, "posix_fadvise")
        try checking("posix_fadvise") { posix_fadvise(descriptor, start, count, advice) }
    }

    /// An offset as the kernel takes it; EOVERFLOW beyond 2^63.
    private static func position(_ offset: UInt64, plus count: Int, _ call: String) throws(SystemError) -> off_t {
        let (sum, overflow) = offset.addingReportingOverflow(UInt64(count))
        guard !overflow, let position = off_t(exactly: sum) else { throw SystemError(call: call, errno: EOVERFLOW) }
        return position
    }
}

// MARK: - Names

extension System {
    /// Gives an open file a name.
    /// - Throws: EXDEV on another file system; EPERM where the file is another user's (`fs.protected_hardlinks`) or links do not
    ///   exist; ENOENT when the file was unlinked, unless `openTemporary` made it; EEXIST when the name is taken; EMLINK.
    public static func link(_ descriptor: Int32, as name: String, in directory: Int32) throws(SystemError) {
        _ = try retrying("linkat", path: name) { target in
            "/proc/self/fd/\(descriptor)".withCString { linkat(AT_FDCWD, $0, directory, target, AT_SYMLINK_FOLLOW) }
        }
    }

    /// Takes a file's name away.
    public static func unlink(_ path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) {
        _ = try retrying("unlinkat", path: path) { unlinkat(directory, $0, 0) }
    }

    /// Removes an empty directory.
    public static func removeDirectory(_ path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) {
        _ = try retrying("unlinkat", path: path) { unlinkat(directory, $0, AT_REMOVEDIR) }
    }

    /// Renames within one file system; a file at the new name is replaced at once.
    public static func rename(
        _ source: String, in sourceDirectory: Int32 = AT_FDCWD, to target: String, in targetDirectory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        if target.utf8.contains(0) { throw SystemError(call: "renameat", errno: EINVAL, detail: target) }
        _ = try retrying("renameat", path: source) { old in
            target.withCString { renameat(sourceDirectory, old, targetDirectory, $0) }
        }
    }

    /// Makes one directory. `mode` is lessened by the umask.
    /// - Throws: EEXIST when the name is taken, by a directory or anything else.
    public static func makeDirectory(
        _ path: String, in directory: Int32 = AT_FDCWD, mode: UInt32 = 0o700
    ) throws(SystemError) {
        _ = try retrying("mkdirat", path: path) { mkdirat(directory, $0, mode) }
    }

    /// Sets the permission bits of the file that a path names.
    public static func setMode(_ mode: UInt32, of path: String) throws(SystemError) {
        _ = try retrying("chmod", path: path) { chmod($0, mode) }
    }

    /// Sets owner and group of the file that a path names; nil leaves one as it is. A symbolic link is not followed.
    public static func setOwner(user: UInt32? = nil, group: UInt32? = nil, of path: String) throws(SystemError) {
        _ = try retrying("lchown", path: path) { lchown($0, user ?? .max, group ?? .max) }
    }

    /// Opens a directory's stream, which takes the descriptor over.
    static func openStream(_ directory: consuming Descriptor) throws(SystemError) -> OpaquePointer {
        guard let stream = fdopendir(directory.number) else { throw SystemError(call: "fdopendir", errno: errno) }
        _ = directory.take()
        return stream
    }

    /// The next entry of a directory's stream, valid until the next call; nil at the end.
    static func readStream(_ stream: OpaquePointer) throws(SystemError) -> UnsafePointer<dirent>? {
        errno = 0
        if let entry = readdir(stream) { return UnsafePointer(entry) }
        if errno != 0 { throw SystemError(call: "readdir", errno: errno) }
        return nil
    }

    /// Closes a directory's stream and its descriptor.
    static func closeStream(_ stream: OpaquePointer) {
        closedir(stream)
    }

    /// The descriptor that a directory's stream reads.
    static func descriptor(ofStream stream: OpaquePointer) -> Int32 {
        dirfd(stream)
    }
}

// MARK: - Locks and leases

extension System {
    /// Locks an open file for this open file description alone (`flock`), without waiting; false when another has it.
    public static func lockExclusively(_ descriptor: Int32) throws(SystemError) -> Bool {
        try unlessBlocked { () throws(SystemError) in
            try retrying("flock") { flock(descriptor, LOCK_EX | LOCK_NB) }
        } != nil
    }

    /// Takes a read lease; false while anybody has the file open or mapped for writing.
    ///
    /// Whoever opens the file for writing afterwards is held up, and this process gets SIGIO, whose default is to end it: call
    /// `ignoreSignals` first. Only for files of one's own: a lease on a client's file would hold up the client.
    /// - Parameter descriptor: opened for reading alone; else the kernel counts it as the writer.
    /// - Throws: EACCES when the file belongs to another user; EINVAL where the file system has no leases.
    public static func takeReadLease(_ descriptor: Int32) throws(SystemError) -> Bool {
        try unlessBlocked { () throws(SystemError) in
            try retrying("fcntl(F_SETLEASE)") { fcntl(descriptor, CLINUX_F_SETLEASE, Int32(F_RDLCK)) }
        } != nil
    }

    /// Gives a lease up. Closing the last descriptor of the open file does so too.
    public static func dropLease(_ descriptor: Int32) throws(SystemError) {
        _ = try retrying("fcntl(F_SETLEASE)") { fcntl(descriptor, CLINUX_F_SETLEASE, Int32(F_UNLCK)) }
    }

    /// What a call returns; nil when it would have had to wait.
    private static func unlessBlocked<Result>(_ body: () throws(SystemError) -> Result) throws(SystemError) -> Result? {
        do throws(SystemError) {
            return try body()
        } catch {
            if error.errno == EAGAIN { return nil }
            throw error
        }
    }
}

// MARK: - Waiting and time

extension System {
    /// Waits until one of the descriptors is ready; returns how many are, 0 when the time is up.
    /// - Parameter deadline: by `monotonicNanoseconds`; nil waits for ever.
    public static func poll(_ descriptors: inout [pollfd], until deadline: UInt64? = nil) throws(SystemError) -> Int {
        // The time left is reckoned anew after each signal.
        Int(
            try retrying("poll") {
                let timeout = deadline.map { millisecondsLeft(until: $0) } ?? -1
                return descriptors.withUnsafeMutableBufferPointer { Glibc.poll($0.baseAddress, nfds_t($0.count), timeout) }
            })
    }

    /// Rounded up, so that the wait never ends early.
    private static func millisecondsLeft(until deadline: UInt64) -> Int32 {
        let now = monotonicNanoseconds()
        if deadline <= now { return 0 }
        return Int32(clamping: (deadline - now - 1) / 1_000_000 + 1)
    }

    /// Nanoseconds of a clock that nobody sets. It stands still while the machine sleeps.
    public static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        // Cannot fail: the clock exists and the pointer is good.
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Milliseconds since the Unix epoch, for people and other machines; it can step.
    public static func wallMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

// MARK: - The process

extension System {
    /// The real user of this process.
    public static var userID: UInt32 { getuid() }

    /// Whether a process of this id exists, whoever owns it.
    public static func processExists(_ id: Int32) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try retrying("kill") { kill(id, 0) }
            return true
        } catch {
            switch error.errno {
            case EPERM: return true
            case ESRCH: return false
            default: throw error
            }
        }
    }

    /// Ignores the signals that tell what calls tell anyway: SIGPIPE (EPIPE), and SIGIO, which a broken lease sends. For mains,
    /// before the first thread.
    public static func ignoreSignals() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGIO, SIG_IGN)
    }

    /// Names the calling thread, for `top -H` and debuggers. The kernel keeps the first 15 bytes.
    public static func nameThread(_ name: String) {
        let bytes = name.utf8.prefix(15).map { CChar(bitPattern: $0) } + [0]
        // Cannot fail: it is this thread, and the name is short enough.
        pthread_setname_np(pthread_self(), bytes)
    }

    /// How many descriptors this process may have open, and how far it may raise that.
    public static func descriptorLimit() throws(SystemError) -> (soft: UInt64, hard: UInt64) {
        var limit = rlimit()
        _ = try retrying("getrlimit") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return (UInt64(limit.rlim_cur), UInt64(limit.rlim_max))
    }

    /// Sets how many descriptors this process may have open.
    /// - Throws: EINVAL above the hard limit.
    public static func setDescriptorLimit(soft: UInt64) throws(SystemError) {
        var limit = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(try descriptorLimit().hard))
        _ = try retrying("setrlimit") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    }

    /// Gives the heap's free pages back to the kernel. Walks the whole heap: for when the work is done.
    public static func trimHeap() {
        malloc_trim(0)
    }
}

// MARK: - Sockets

extension System {
    /// Makes a Unix socket.
    static func makeSocket(_ type: __socket_type, flags: Int32 = 0) throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("socket") { socket(AF_UNIX, Int32(type.rawValue) | flags | socketCloseOnExec, 0) })
    }

    /// Two stream sockets, connected with each other.
    public static func makeSocketPair() throws(SystemError) -> (SharedDescriptor, SharedDescriptor) {
        var ends: [2 of Int32] = [-1, -1]
        _ = try retrying("socketpair") {
            withUnsafeMutablePointer(to: &ends[0]) {
                socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | socketCloseOnExec, 0, $0)
            }
        }
        return (SharedDescriptor(owning: ends[0]), SharedDescriptor(owning: ends[1]))
    }

    static func bind(_ descriptor: Int32, to address: UnixAddress) throws(SystemError) {
        _ = try retrying("bind", address.name) { address.withPointer { Glibc.bind(descriptor, $0, $1) } }
    }

    static func connect(_ descriptor: Int32, to address: UnixAddress) throws(SystemError) {
        _ = try retrying("connect", address.name) { address.withPointer { Glibc.connect(descriptor, $0, $1) } }
    }

    /// Bounds how long connecting and sending block.
    static func setSendTimeout(_ timeout: Duration, of descriptor: Int32) throws(SystemError) {
        let parts = timeout.components
        var time = timeval(tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
        // To the kernel zero means without end.
        if time.tv_sec <= 0, time.tv_usec <= 0 { time = timeval(tv_sec: 0, tv_usec: 1) }
        _ = try retrying("setsockopt(SO_SNDTIMEO)") {
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    static func listen(_ descriptor: Int32, backlog: Int32) throws(SystemError) {
        _ = try retrying("listen") { Glibc.listen(descriptor, backlog) }
    }

    /// The next connection of a listening socket that does not block; nil when there is none.
    static func accept(_ descriptor: Int32) throws(SystemError) -> Descriptor? {
        let number = try unlessBlocked { () throws(SystemError) in
            try retrying("accept4") { accept4(descriptor, nil, nil, socketCloseOnExec) }
        }
        return number.map { Descriptor(owning: $0) }
    }

    /// Sends bytes and ancillary data; nil when the socket is full. SIGPIPE is never raised.
    static func send(
        _ descriptor: Int32, _ message: UnsafePointer<msghdr>, flags: Int32
    ) throws(SystemError) -> Int? {
        try unlessBlocked { () throws(SystemError) in
            try retrying("sendmsg") { sendmsg(descriptor, message, flags | Int32(MSG_NOSIGNAL)) }
        }
    }

    /// Receives bytes and ancillary data, descriptors close-on-exec; nil when nothing is there.
    static func receive(
        _ descriptor: Int32, _ message: UnsafeMutablePointer<msghdr>, flags: Int32
    ) throws(SystemError) -> Int? {
        try unlessBlocked { () throws(SystemError) in
            try retrying("recvmsg") { recvmsg(descriptor, message, flags | Int32(MSG_CMSG_CLOEXEC)) }
        }
    }

    /// Ends one or both directions of a connection (`SHUT_…`); the other side reads its end.
    public static func shutdown(_ descriptor: Int32, _ direction: Int32) throws(SystemError) {
        _ = try retrying("shutdown") { Glibc.shutdown(descriptor, direction) }
    }

    /// Reads an option of the socket level into the buffer; returns its length.
    /// - Throws: ERANGE when an option of variable length does not fit.
    static func socketOption(
        _ option: Int32, of descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        var length = socklen_t(buffer.count)
        _ = try retrying("getsockopt") { getsockopt(descriptor, SOL_SOCKET, option, buffer.baseAddress, &length) }
        return Int(length)
    }

    private static let socketCloseOnExec = Int32(SOCK_CLOEXEC.rawValue)
}
