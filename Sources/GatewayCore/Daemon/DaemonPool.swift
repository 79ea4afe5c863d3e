import ArtifactClient
import ArtifactModel
import ArtifactWire
import LinuxSystem
import NIOPosix

/// The connections to the daemon. One acts for one tenant; many requests share it.
actor DaemonPool {
    /// Users of a link that make another one worth its while. The daemon syncs one spool file of a connection after the other.
    private static let comfortable = 8
    /// Uploads that one link takes at most: the daemon allows for 64 spool files on a connection.
    private static let uploadLimit = 60

    /// A link, or the attempt to make one.
    private final class Entry {
        let tenant: String?
        let link: Task<DaemonLink, any Error>
        /// The link, once there is one.
        var made: DaemonLink?
        var users = 0
        var lastUsed = ContinuousClock.now

        init(tenant: String?, link: Task<DaemonLink, any Error>) {
            self.tenant = tenant
            self.link = link
        }

        var hasEnded: Bool { made?.hasEnded ?? false }
    }

    private let socket: String?
    private let environment: [String: String]
    private let limit: Int
    /// Where threads that end are waited for.
    private let threads: NIOThreadPool
    private var entries: [Entry] = []

    init(socket: String?, environment: [String: String], limit: Int, threads: NIOThreadPool) {
        self.socket = socket
        self.environment = environment
        self.limit = limit
        self.threads = threads
    }

    /// Lends a link that acts for the tenant, as long as the body runs.
    func withLink<Result: Sendable>(
        for tenant: String?, _ body: @Sendable (DaemonLink) async throws -> Result
    ) async throws -> Result {
        let entry = try entry(for: tenant)
        entry.users += 1
        defer {
            entry.users -= 1
            entry.lastUsed = .now
        }
        let link: DaemonLink
        do { link = try await entry.link.value } catch {
            entries.removeAll { $0 === entry }
            throw error
        }
        entry.made = link
        return try await body(link)
    }

    /// Asks something that can be asked twice: once more where the connection ended meanwhile, as the daemon was restarted.
    /// - Parameter descriptor: travels with it.
    func ask(_ message: Message, descriptor: SharedDescriptor? = nil, for tenant: String?) async throws -> Message {
        do {
            return try await order(message, descriptor: descriptor, for: tenant)
        } catch ClientError.connectionLost {
            return try await order(message, descriptor: descriptor, for: tenant)
        }
    }

    /// Asks something that must not be done twice.
    /// - Parameter descriptor: travels with it.
    func order(_ message: Message, descriptor: SharedDescriptor? = nil, for tenant: String?) async throws -> Message {
        try await withLink(for: tenant) { link in try await link.call(message, descriptor: descriptor).message }
    }

    private func entry(for tenant: String?) throws(APIError) -> Entry {
        forgetEnded()
        let ours = entries.filter { $0.tenant == tenant && $0.users < Self.uploadLimit }
        let best = ours.min { $0.users < $1.users }
        if let best, best.users < Self.comfortable || entries.count >= limit { return best }
        if entries.count >= limit { try makeRoom() }
        let (socket, environment, threads) = (socket, environment, threads)
        let connecting = Task {
            try await DaemonLink.connect(socket: socket, environment: environment, tenant: tenant, threads: threads)
        }
        let entry = Entry(tenant: tenant, link: connecting)
        entries.append(entry)
        return entry
    }

    private func forgetEnded() {
        let ended = entries.filter(\.hasEnded)
        guard !ended.isEmpty else { return }
        entries.removeAll { $0.hasEnded }
        for link in ended.compactMap(\.made) { bury(link) }
    }

    /// Ends the link that has been idle the longest.
    private func makeRoom() throws(APIError) {
        guard let idlest = entries.filter({ $0.users == 0 && $0.made != nil }).min(by: { $0.lastUsed < $1.lastUsed }) else {
            throw APIError(.unavailable, "all \(limit) connections to artifactd are in use by other tenants; try again")
        }
        entries.removeAll { $0 === idlest }
        if let link = idlest.made { bury(link) }
    }

    /// Ends the links that nobody has used for a while.
    func endIdle(after pause: Duration) {
        let idle = entries.filter { $0.users == 0 && $0.made != nil && $0.lastUsed + pause < .now }
        entries.removeAll { entry in idle.contains { $0 === entry } }
        for link in idle.compactMap(\.made) { bury(link) }
    }

    /// Ends all links, and waits until their threads are gone.
    func endAll() async throws {
        let links = entries.compactMap(\.made)
        entries = []
        for link in links {
            link.end()
            try await threads.runIfActive { link.join() }
        }
    }

    private func bury(_ link: DaemonLink) {
        link.end()
        threads.submit { _ in link.join() }
    }
}
