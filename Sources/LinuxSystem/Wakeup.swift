import Glibc

/// Ends a `poll` from another thread: poll `number` for reading, then `drain` and look at what changed.
///
/// Signals that come before the drain count as one.
public final class Wakeup: Sendable {
    private let counter: Descriptor

    /// The descriptor to poll, valid while this object lives.
    public var number: Int32 { counter.number }

    /// A wakeup that nobody has signalled.
    public init() throws(SystemError) {
        counter = try System.makeEventCounter()
    }

    /// Makes `number` readable.
    public func signal() throws(SystemError) {
        do throws(SystemError) {
            try withUnsafeBytes(of: UInt64(1)) { bytes throws(SystemError) in try System.write(bytes, to: number) }
        } catch {
            // A counter that is full is readable already.
            if error.errno != EAGAIN { throw error }
        }
    }

    /// Makes `number` unreadable until the next signal.
    public func drain() throws(SystemError) {
        var count: UInt64 = 0
        do throws(SystemError) {
            _ = try withUnsafeMutableBytes(of: &count) { bytes throws(SystemError) in try System.read(number, into: bytes) }
        } catch {
            // Nobody has signalled, or another has drained it.
            if error.errno != EAGAIN { throw error }
        }
    }
}
