import Glibc
import LinuxSystem

/// A pipe that tells whether a descriptor of its writing end is open anywhere: in this process, in another, or under way.
///
/// Counting this process's descriptors would not do: other tests open theirs at the same time.
final class LeakPipe {
    let reader: SharedDescriptor
    /// A writing end, until `closeWriter`.
    private(set) var writer: SharedDescriptor?

    init() throws {
        (reader, writer) = try System.makePipe()
    }

    func closeWriter() {
        writer = nil
    }

    /// Whether every writing end is closed.
    var isClosed: Bool {
        get throws {
            var entries = [pollfd(fd: reader.number, events: Int16(POLLIN), revents: 0)]
            _ = try System.poll(&entries, until: 0)
            return entries[0].revents & Int16(POLLHUP) != 0
        }
    }
}
