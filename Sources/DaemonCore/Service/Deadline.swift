import LinuxSystem

/// Reckons deadlines from what clients ask for.
enum Deadline {
    /// The moment so many milliseconds from now, in monotonic nanoseconds; the end of time for more than there is.
    static func after(milliseconds: UInt64) -> UInt64 {
        let (nanoseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, late) = System.monotonicNanoseconds().addingReportingOverflow(overflow ? .max : nanoseconds)
        return late ? UInt64.max : sum
    }
}
