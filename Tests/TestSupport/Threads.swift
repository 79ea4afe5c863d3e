import Foundation
import Synchronization

/// Threads of the tests' own: a blocking call belongs on none of the cooperative pool's.
public enum Threads {
    /// Runs `work` on so many threads at once and waits for all of them.
    /// - Throws: the first failure, once all have ended.
    public static func run(_ count: Int, _ work: @escaping @Sendable (_ index: Int) throws -> Void) throws {
        let failures = Mutex<[any Error]>([])
        let group = DispatchGroup()
        for index in 0..<count {
            group.enter()
            Thread.detachNewThread {
                defer { group.leave() }
                do {
                    try work(index)
                } catch {
                    failures.withLock { $0.append(error) }
                }
            }
        }
        group.wait()
        if let first = failures.withLock({ $0.first }) { throw first }
    }
}
