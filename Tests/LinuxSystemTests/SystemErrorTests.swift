import Glibc
import LinuxSystem
import Testing

@Suite struct SystemErrorTests {
    /// A message names the call, the thing, and the error in words and by its symbol.
    @Test func describesCallPathAndError() {
        let error = SystemError(call: "openat", errno: ENOENT, detail: "/x")
        #expect(error.description == "openat '/x': No such file or directory (ENOENT)")
        #expect(SystemError(call: "read", errno: EIO).description == "read: Input/output error (EIO)")
    }

    /// A number that no library knows is shown as it is.
    @Test func showsUnknownNumbers() {
        #expect(SystemError(call: "read", errno: 9_999).description == "read: error 9999")
    }
}
