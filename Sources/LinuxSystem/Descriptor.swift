import Glibc

/// A file descriptor with exactly one owner, closed when the owner lets go of it.
public struct Descriptor: ~Copyable, Sendable {
    /// The descriptor's number, valid while the owner lives.
    ///
    /// The owner must have a name (`let file = …`): `f(try System.open(…).number)` closes the descriptor before `f` runs.
    public let number: Int32

    /// Takes over a descriptor that nobody else will close.
    public init(owning number: Int32) {
        self.number = number
    }

    /// Closes the descriptor now.
    /// - Throws: what a late write error leaves (EIO, ENOSPC, EDQUOT). The descriptor is gone all the same.
    public consuming func close() throws(SystemError) {
        let number = take()
        try System.close(number)
    }

    /// Gives the ownership away: whoever takes the number closes it.
    public consuming func take() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    deinit {
        do {
            try System.close(number)
        } catch {
            // Nobody is left to tell of a late write error: who cares calls close(). But EBADF means that somebody else closed
            // our number, and the next time it will be a descriptor of somebody else's.
            precondition(error.errno != EBADF, "descriptor \(number) was closed by another than its owner")
        }
    }
}

/// A descriptor that several hold, in tables and closures; closed when the last of them lets go.
public final class SharedDescriptor: Sendable {
    private let descriptor: Descriptor

    /// The descriptor's number, valid while this object lives.
    ///
    /// The optimiser may end that life after the last use of the object, not of the number: where the number is used alone, or the
    /// objects are in an array, put the use within `withExtendedLifetime`.
    public var number: Int32 { descriptor.number }

    /// Shares a descriptor that had one owner.
    public init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    /// Takes over a descriptor that nobody else will close.
    public init(owning number: Int32) {
        descriptor = Descriptor(owning: number)
    }
}
