import Glibc
import LinuxSystem
import Testing

@Suite struct DescriptorTests {
    /// The end of the owner's life closes the descriptor, and not a moment before its last use.
    @Test func closesWithItsOwner() throws {
        let pipe = try LeakPipe()
        do {
            let copy = try System.duplicate(try #require(pipe.writer?.number))
            pipe.closeWriter()
            try put("x", copy.number)
            #expect(try !pipe.isClosed)
        }
        #expect(try pipe.isClosed)
    }

    /// Closing by hand closes, once.
    @Test func closesByHand() throws {
        let pipe = try LeakPipe()
        let copy = try System.duplicate(try #require(pipe.writer?.number))
        pipe.closeWriter()
        try copy.close()
        #expect(try pipe.isClosed)
    }

    /// Giving the number away leaves it open.
    @Test func takeLeavesItOpen() throws {
        let (reader, writer) = try System.makePipe()
        let number = try System.duplicate(writer.number).take()
        try put("x", number)
        #expect(try text(of: reader.number) == "x")
        try Descriptor(owning: number).close()
    }

    /// Every way to open marks the descriptor close-on-exec.
    @Test func everythingIsCloseOnExec() throws {
        let directory = try TemporaryDirectory()
        let folder = try System.open(directory.path, O_RDONLY | O_DIRECTORY)
        let temporary = try System.openTemporary(in: folder.number)
        let again = try System.reopen(temporary.number, O_RDONLY)
        let memory = try System.makeMemoryFile(name: "test")
        let copy = try System.duplicate(memory.number)
        let (reader, writer) = try System.makePipe()
        let (left, right) = try System.makeSocketPair()
        let wakeup = try Wakeup()
        for number in [
            folder.number, temporary.number, again.number, memory.number, copy.number, reader.number, writer.number, left.number,
            right.number, wakeup.number,
        ] {
            #expect(fcntl(number, F_GETFD, 0) & FD_CLOEXEC != 0)
        }
    }

    private func text(of reader: Int32) throws -> String {
        var bytes = [UInt8](repeating: 0, count: 8)
        let count = try bytes.withUnsafeMutableBytes { try System.read(reader, into: $0) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
