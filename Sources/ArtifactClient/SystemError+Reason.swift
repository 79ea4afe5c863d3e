import Glibc
import LinuxSystem

extension SystemError {
    /// What the error number means, without the call's name: for messages that name the thing themselves.
    var reason: String {
        guard let text = strerror(errno) else { return "error \(errno)" }
        return String(cString: text)
    }
}
