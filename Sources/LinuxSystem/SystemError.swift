import CLinux
import Glibc

/// A system call that the kernel refused.
///
/// Compare `errno` with the constants of Glibc to tell the cases apart.
public struct SystemError: Error, Sendable, Equatable {
    /// The call's name as its manual page spells it.
    public let call: String
    /// The error number that the call left behind.
    public let errno: Int32
    /// The path, or whatever else the call was about; nil where the call is about a descriptor.
    public let detail: String?

    /// An error of a call, with the thing it was about.
    public init(call: String, errno: Int32, detail: String? = nil) {
        self.call = call
        self.errno = errno
        self.detail = detail
    }
}

extension SystemError: CustomStringConvertible {
    /// For instance `openat '/x': No such file or directory (ENOENT)`.
    public var description: String {
        let subject = detail.map { "\(call) '\($0)'" } ?? call
        guard let text = strerrordesc_np(errno), let name = strerrorname_np(errno) else { return "\(subject): error \(errno)" }
        return "\(subject): \(String(cString: text)) (\(String(cString: name)))"
    }
}
