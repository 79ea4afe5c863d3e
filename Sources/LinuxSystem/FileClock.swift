import Glibc

/// The clock by which the kernel stamps files, CLOCK_REALTIME_COARSE: it stands still for a tick of 1 to 10 ms.
///
/// Two writes within a tick leave the same modification time. Linux 6.13 and later tell them apart on some file systems
/// (multigrain timestamps); this does not rely on it.
public enum FileClock {
    /// How far a time may be ahead of the clock that was not set by hand: a tick of 10 ms, and one that came late.
    private static let longestTick: Int64 = 20_000_000

    /// Now, in nanoseconds since the Unix epoch.
    public static func now() -> Int64 {
        var time = timespec()
        // Cannot fail: the clock exists and the pointer is good.
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Waits until a write to a file that was last modified at this time must change its modification time: to the end of the
    /// tick, so not at all for a file that has been left alone for 10 ms. Nor for a time further ahead, which somebody has set.
    public static func waitPast(_ modified: Int64) {
        var now = now()
        while now <= modified, modified - now <= longestTick {
            var rest = timespec(tv_sec: 0, tv_nsec: Int(modified - now + 1_000_000))
            // A signal may end it early: the clock decides.
            nanosleep(&rest, nil)
            now = Self.now()
        }
    }

}
