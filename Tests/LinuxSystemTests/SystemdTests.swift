import Glibc
import Testing

@testable import LinuxSystem

@Suite struct SystemdTests {
    /// A notification arrives at a socket in the file system, as one datagram.
    @Test func notifiesByPath() throws {
        let directory = try TemporaryDirectory()
        let manager = try System.makeSocket(SOCK_DGRAM)
        try System.bind(manager.number, to: try UnixAddress(path: directory("notify")))
        #expect(try Systemd.notify("READY=1\nSTATUS=ok", environment: ["NOTIFY_SOCKET": directory("notify")]))
        #expect(try received(manager.number).text == "READY=1\nSTATUS=ok")
    }

    /// A notification arrives at an abstract socket, a descriptor with it.
    @Test func notifiesAbstractSocketsWithDescriptors() throws {
        let name = "artifactd-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let manager = try System.makeSocket(SOCK_DGRAM)
        try System.bind(manager.number, to: try UnixAddress(abstract: name))
        let file = try System.makeMemoryFile(name: "test")
        try put("kept", file.number)
        #expect(
            try Systemd.notify(
                "FDSTORE=1\nFDNAME=job", descriptors: [file.number], environment: ["NOTIFY_SOCKET": "@\(name)"]))
        let (said, reception) = try received(manager.number)
        #expect(said == "FDSTORE=1\nFDNAME=job")
        #expect(reception.descriptors.count == 1)
        let stored = try #require(reception.descriptors.first)
        #expect(try text(stored.number) == "kept")
    }

    /// Without a manager nothing is sent; one that cannot be reached, or is of another kind, is an error.
    @Test func tellsWhyNothingWasSent() throws {
        let directory = try TemporaryDirectory()
        #expect(try !Systemd.notify("READY=1", environment: [:]))
        #expect(
            try systemError { try Systemd.notify("READY=1", environment: ["NOTIFY_SOCKET": directory("none")]) }.errno == ENOENT)
        #expect(
            try systemError { try Systemd.notify("READY=1", environment: ["NOTIFY_SOCKET": "vsock:2:1"]) }.errno == EAFNOSUPPORT)
    }

    /// Passed descriptors count from 3 and have the unit's names; without names, the documented one.
    @Test func readsPassedDescriptors() throws {
        let named = try Systemd.passedDescriptors(
            environment: ["LISTEN_PID": "42", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "artifactd.socket:job-1:"], pid: 42)
        #expect(named.map(\.name) == ["artifactd.socket", "job-1", ""])
        #expect(named.map(\.fd) == [3, 4, 5])
        let unnamed = try Systemd.passedDescriptors(environment: ["LISTEN_PID": "42", "LISTEN_FDS": "1"], pid: 42)
        #expect(unnamed.map(\.name) == ["unknown"])
        #expect(
            try Systemd.passedDescriptors(
                environment: ["LISTEN_PID": "42", "LISTEN_FDS": "0", "LISTEN_FDNAMES": ""], pid: 42
            ).isEmpty)
    }

    /// What was meant for another process, or was never passed, is not taken.
    @Test func leavesOthersDescriptors() throws {
        #expect(try Systemd.listenDescriptors(environment: [:], pid: 42).isEmpty)
        #expect(try Systemd.listenDescriptors(environment: ["LISTEN_PID": "41", "LISTEN_FDS": "1"], pid: 42).isEmpty)
        #expect(try Systemd.listenDescriptors(environment: ["LISTEN_FDS": "1"], pid: 42).isEmpty)
    }

    /// Variables that contradict themselves are refused by name.
    @Test(arguments: [
        ["LISTEN_PID": "x", "LISTEN_FDS": "1"],
        ["LISTEN_PID": "42", "LISTEN_FDS": "-1"],
        ["LISTEN_PID": "42", "LISTEN_FDS": "2147483647"],
        ["LISTEN_PID": "42", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "one"],
    ]) func refusesContradictions(environment: [String: String]) throws {
        let error = try systemError { _ = try Systemd.passedDescriptors(environment: environment, pid: 42) }
        #expect(error.errno == EINVAL)
        #expect(error.detail?.hasPrefix("LISTEN_") == true)
    }

    /// The watchdog's interval is in nanoseconds, and only for the process that it names.
    @Test func readsTheWatchdog() throws {
        #expect(try Systemd.watchdogInterval(environment: [:], pid: 42) == nil)
        #expect(try Systemd.watchdogInterval(environment: ["WATCHDOG_USEC": "30000000"], pid: 42) == 30_000_000_000)
        let environment = ["WATCHDOG_USEC": "5", "WATCHDOG_PID": "42"]
        #expect(try Systemd.watchdogInterval(environment: environment, pid: 42) == 5_000)
        #expect(try Systemd.watchdogInterval(environment: environment, pid: 43) == nil)
        for bad in ["", "soon", "0", "-1", "18446744073709551615"] {
            #expect(
                try systemError { _ = try Systemd.watchdogInterval(environment: ["WATCHDOG_USEC": bad], pid: 42) }.errno == EINVAL
            )
        }
    }

    private func received(_ socket: Int32) throws -> (text: String, reception: UnixSocket.Reception) {
        var bytes = [UInt8](repeating: 0, count: 256)
        let reception = try bytes.withUnsafeMutableBytes {
            try UnixSocket.receive(socket, into: $0, maximumDescriptors: 4, flags: Int32(MSG_DONTWAIT))
        }
        let arrived = try #require(reception)
        return (String(decoding: bytes.prefix(arrived.count), as: UTF8.self), arrived)
    }
}
