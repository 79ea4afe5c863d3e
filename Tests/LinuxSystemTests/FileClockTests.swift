import Glibc
import LinuxSystem
import Testing

@Suite struct FileClockTests {
    /// After the wait a write has another time than the one before, however soon it comes.
    @Test func theNextWriteShows() throws {
        let directory = try TemporaryDirectory()
        let file = try System.open("\(directory.path)/file", O_RDWR | O_CREAT, mode: 0o600)
        for round in 0..<50 {
            try write("\(round)", to: file)
            let modified = try System.status(of: file.number).modifiedNanoseconds
            FileClock.waitPast(modified)
            #expect(FileClock.now() > modified)
            try write("\(round)", to: file)
            #expect(try System.status(of: file.number).modifiedNanoseconds > modified)
        }
    }

    /// A time that has passed, or that somebody has set far ahead, is not waited for.
    @Test(.timeLimit(.minutes(1))) func otherTimesAreNotWaitedFor() {
        FileClock.waitPast(0)
        FileClock.waitPast(.max)
        FileClock.waitPast(FileClock.now() + 3_600_000_000_000)
    }

    private func write(_ text: String, to file: borrowing Descriptor) throws {
        var bytes = Array(text.utf8)
        try bytes.withUnsafeMutableBytes { try System.write(UnsafeRawBufferPointer($0), to: file.number, at: 0) }
    }
}
