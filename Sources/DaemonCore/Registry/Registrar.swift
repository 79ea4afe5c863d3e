import ArtifactModel
import Journal
import LinuxSystem
import Logging
import ObjectStore
import WorkerPool

/// Brings what the journal knows of experiments, runs and their manifests into the store, on one thread of its own.
///
/// The journal says what is to be done, so nothing is lost by a restart. What the store refuses or does not answer is tried again
/// with growing pauses; each subject by itself, so that one which fails keeps no other.
final class Registrar: Sendable {
    /// So many calls that a store does not answer end a pass for it: the others would wait as long, and in vain.
    private static let patience = 3
    private static let second: UInt64 = 1_000_000_000

    let journal: Journal
    let stores: Stores
    let log: Logger
    let bell: RegistryBell
    let waiters: CommitWaiters
    let dispatcher: Dispatcher
    /// So much is read at a time of what is to be done. A pass goes through all pages: what fails keeps nothing behind it waiting.
    let page: Int
    private let backoff: Backoff

    init(
        journal: Journal, stores: Stores, dispatcher: Dispatcher, log: Logger, page: Int = 1000,
        backoff: Backoff = Backoff(base: second, cap: 60 * second)
    ) {
        self.journal = journal
        self.stores = stores
        self.dispatcher = dispatcher
        self.log = log
        self.page = page
        self.backoff = backoff
        bell = dispatcher.bell
        waiters = CommitWaiters(journal: journal)
    }

    /// What the thread knows from one pass to the next.
    struct Memory {
        let sessions: StoreSessions
        /// What the pass finds out.
        var findings = RegistryFindings()
        /// What the pass before found out.
        var earlier = RegistryFindings()
        /// The calls of this pass that each store did not answer.
        var unanswered: [Int: (count: Int, error: ArtifactError)] = [:]
        /// The experiments whose state was read in this pass.
        var freshStates: Set<String> = []
        /// The groups whose members on other nodes are looked for.
        var searches: [CommitSubject: MemberSearch] = [:]

        /// Begins a pass.
        mutating func turn() {
            earlier = findings
            findings = RegistryFindings()
            unanswered = [:]
            freshStates = []
        }

        /// What went wrong in the pass; nil when nothing did.
        var trouble: RegistrarRest.Trouble? {
            if !unanswered.isEmpty { return .absence }
            return findings.errors.isEmpty ? nil : .refusal
        }
    }

    // MARK: The thread

    /// The thread's life.
    func run() {
        var memory = Memory(sessions: StoreSessions(stores, dispatcher: dispatcher))
        var generator = SystemRandomNumberGenerator()
        var rest = RegistrarRest(earliest: 0, latest: nil)
        var failures = 0
        while bell.wait(earliest: rest.earliest, deadline: rest.latest) {
            let began = System.monotonicNanoseconds()
            let number = waiters.lastNumber
            pass(&memory)
            waiters.settle(memory.findings, upTo: number)
            log.trace("a pass of the registrar is over")
            failures = memory.trouble == nil ? 0 : failures + 1
            rest = RegistrarRest.after(
                began: began, ended: System.monotonicNanoseconds(), trouble: memory.trouble, failures: failures,
                look: memory.searches.values.compactMap(\.nextLook).min(), backoff: backoff, using: &generator)
        }
        waiters.stop()
    }

    private func pass(_ memory: inout Memory) {
        memory.turn()
        do throws(ArtifactError) {
            let own = RegistryStore(session: memory.sessions[0])
            try confirmExperiments(own, &memory)
            try writeStates(own, &memory)
            try writeRuns(own, &memory)
            try advanceCommits(&memory)
        } catch {
            log.error("the registry's work cannot be read", metadata: ["error": "\(error)"])
            memory.findings.errors[.journal] = error
        }
    }

    /// Does something about each entry of a list that the journal keeps.
    /// - Parameter read: a page of it, from behind an entry on.
    func forEach<Entry>(
        _ read: (_ after: Entry?) throws(ArtifactError) -> [Entry], _ body: (Entry) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        var last: Entry?
        repeat {
            let entries = try read(last)
            for entry in entries { try body(entry) }
            last = entries.count == page ? entries.last : nil
        } while last != nil && !bell.isStopping
    }

    /// Does something about a subject, and takes down why it did not succeed.
    /// - Parameter place: a URI within the store that it is done in; nil for the daemon's own.
    func attempt(
        _ subject: RegistryFindings.Subject, at place: String? = nil, _ memory: inout Memory,
        _ body: (inout Memory) throws(ArtifactError) -> Void
    ) {
        guard !bell.isStopping else { return }
        do throws(ArtifactError) {
            let store = try place.map { (place) throws(ArtifactError) in try stores.place(of: place).store } ?? 0
            if let unanswered = memory.unanswered[store], unanswered.count >= Self.patience { throw unanswered.error }
            do throws(ArtifactError) { try body(&memory) } catch {
                dispatcher.errors.count(error.code)
                if error.code == .storeUnavailable || error.code == .storeThrottled {
                    memory.unanswered[store] = ((memory.unanswered[store]?.count ?? 0) + 1, error)
                }
                throw error
            }
        } catch {
            if memory.findings.errors[subject] == nil, memory.earlier.errors[subject]?.code != error.code, !bell.isStopping {
                log.warning("the registry in the store is behind", metadata: ["subject": "\(subject)", "error": "\(error)"])
            }
            memory.findings.errors[subject] = error
        }
    }
}
