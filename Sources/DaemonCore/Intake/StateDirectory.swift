import ArtifactModel
import Glibc
import LinuxSystem

/// The directory that one daemon at a time owns: journal, spool, lock.
final class StateDirectory: Sendable {
    let path: String
    /// Held as long as the daemon lives; the kernel lets go of it however the daemon ends.
    private let lock: SharedDescriptor

    /// Makes the directory where it is missing, and takes its lock.
    /// - Throws: `conflict` when another daemon has it; `localStorageFailed` when it cannot be used.
    init(path: String) throws(ArtifactError) {
        self.path = path
        let refusal = "the state directory '\(path.escapedForLog)' cannot be used; name another with --state"
        let lock = try kernelCalls(orThrow: .localStorageFailed, refusal) { () throws(SystemError) in
            _ = try System.makeDirectories(path, mode: 0o700)
            return SharedDescriptor(try System.open("\(path)/lock", O_RDWR | O_CREAT, mode: 0o600))
        }
        self.lock = lock
        let isOurs = try kernelCalls(orThrow: .localStorageFailed, refusal) { () throws(SystemError) in
            guard try System.lockExclusively(lock.number) else { return false }
            try System.truncate(lock.number, to: 0)
            var text = Array("\(System.processID())\n".utf8)
            try text.fill { (buffer) throws(SystemError) in
                try System.write(UnsafeRawBufferPointer(buffer), to: lock.number, at: 0)
            }
            return true
        }
        guard isOurs else {
            throw ArtifactError(
                .conflict,
                "another artifactd\(Self.holder(lock)) uses the state directory '\(path.escapedForLog)'; "
                    + "stop it, or name another with --state and --socket")
        }
    }

    /// Where the spool lies.
    var spool: String { path + "/spool" }

    /// Moves a spool that holds files out of the way, for a journal that knows none of them: they may be all that is left of what
    /// was accepted, and are for a person to look at.
    /// - Parameter now: Unix time in milliseconds, for the new name.
    /// - Returns: where it lies now; nil when there is nothing in it.
    func setSpoolAside(now: Int64) throws(ArtifactError) -> String? {
        try kernelCalls(orThrow: .localStorageFailed, "the spool '\(spool.escapedForLog)' cannot be moved out of the way") {
            () throws(SystemError) in
            do throws(SystemError) {
                var listing = try DirectoryListing(spool)
                guard try listing.next() != nil else { return nil }
            } catch {
                if error.errno == ENOENT { return nil }
                throw error
            }
            let kept = "\(spool).orphaned-\(now)"
            try System.rename(spool, to: kept)
            return kept
        }
    }

    /// The names of damaged journals, and of spools that no journal knew, which earlier starts have moved out of the way.
    func setAside() throws(ArtifactError) -> [String] {
        try kernelCalls(orThrow: .localStorageFailed, "the state directory '\(path.escapedForLog)' cannot be listed") {
            () throws(SystemError) in
            var names: [String] = []
            var listing = try DirectoryListing(path)
            while let entry = try listing.next() {
                guard let name = entry.text, !name.hasSuffix("-wal"), !name.hasSuffix("-shm") else { continue }
                if name.hasPrefix("journal.sqlite.corrupt-") || name.hasPrefix("spool.orphaned-") { names.append(name) }
            }
            return names.sorted()
        }
    }

    private static func holder(_ lock: SharedDescriptor) -> String {
        var digits = [UInt8](repeating: 0, count: 16)
        do throws(SystemError) {
            var count = 0
            try digits.fill { (buffer) throws(SystemError) in count = try System.read(lock.number, into: buffer, at: 0) }
            let text = String(decoding: digits.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            return text.isEmpty ? "" : " (pid \(text))"
        } catch {
            // Who it is makes the message better; that somebody is there is what it is about.
            return ""
        }
    }
}
