import Glibc

/// The terminal that a descriptor stands for.
enum Terminal {
    /// What it has room for, in columns and lines.
    struct Size: Equatable {
        var width: Int
        var height: Int
    }

    /// Its size; 80 by 24 where it does not say, nil where there is none.
    static func size(of descriptor: Int32) -> Size? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return Size(width: 80, height: 24)
        }
        return Size(width: Int(size.ws_col), height: Int(size.ws_row))
    }
}
