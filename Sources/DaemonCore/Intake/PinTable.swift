import ArtifactModel
import LinuxSystem
import Synchronization

/// The descriptors that keep jobs' bytes reachable, bounded in number; those that systemd's descriptor store keeps as well are
/// announced to it and withdrawn from it here.
final class PinTable: Sendable {
    /// The most descriptors held.
    let limit: Int
    /// Takes and gives up descriptors on behalf of systemd; nil where there is no descriptor store.
    private let store: DescriptorStore?
    private let pins = Mutex<[JobID: Pinned]>([:])

    private struct Pinned {
        var descriptor: SharedDescriptor
        var isStored: Bool
    }

    init(limit: Int, store: DescriptorStore?) {
        self.limit = limit
        self.store = store
    }

    var count: Int { pins.withLock { $0.count } }

    /// Takes a descriptor as a job's pin.
    /// - Returns: how it is kept; nil when the bound is reached.
    func pin(_ descriptor: SharedDescriptor, for job: JobID) throws(SystemError) -> Pin? {
        let isRoom = pins.withLock { pins in
            guard pins.count < limit else { return false }
            pins[job] = Pinned(descriptor: descriptor, isStored: false)
            return true
        }
        guard isRoom else { return nil }
        do throws(SystemError) {
            guard let store, try store.add(descriptor, job) else { return .descriptor }
        } catch {
            pins.withLock { $0[job] = nil }
            throw error
        }
        pins.withLock { $0[job]?.isStored = true }
        return .descriptorStore
    }

    /// Takes over a descriptor that systemd's store has given back at the start.
    func adopt(_ descriptor: SharedDescriptor, for job: JobID) {
        pins.withLock { $0[job] = Pinned(descriptor: descriptor, isStored: true) }
    }

    /// The descriptor that pins a job; nil when none does.
    func descriptor(of job: JobID) -> SharedDescriptor? { pins.withLock { $0[job]?.descriptor } }

    /// All descriptors held, by job.
    var all: [JobID: SharedDescriptor] { pins.withLock { $0.mapValues(\.descriptor) } }

    /// Lets go of a job's descriptor, if there is one.
    func release(_ job: JobID) throws(SystemError) {
        let pinned = pins.withLock { $0.removeValue(forKey: job) }
        if let pinned, pinned.isStored, let store { try store.remove(job) }
    }
}

/// systemd's file descriptor store (`FileDescriptorStoreMax=`): what is in it comes back after a restart, however the daemon ended.
/// Source: sd_notify(3), `FDSTORE=1`, `FDSTOREREMOVE=1`.
final class DescriptorStore: Sendable {
    private let environment: [String: String]
    private let limit: Int
    private let stored = Mutex<Int>(0)

    /// The store, where the manager offers one: `$NOTIFY_SOCKET` is set, and `$FDSTORE` says how many it takes (systemd sets it
    /// since version 254; for older ones the unit does).
    init?(environment: [String: String]) {
        guard environment["NOTIFY_SOCKET"] != nil, let limit = environment["FDSTORE"].flatMap({ Int($0) }), limit > 0 else {
            return nil
        }
        self.environment = environment
        self.limit = limit
    }

    /// The name under which a job's descriptor is stored.
    static func name(of job: JobID) -> String { "job-\(job)" }

    /// The job whose descriptor has this name; nil for other descriptors.
    static func job(named name: String) -> JobID? { name.dropping(prefix: "job-").flatMap { JobID($0) } }

    /// Counts a descriptor that the store has given back.
    func count(_ number: Int) { stored.withLock { $0 += number } }

    /// Stores a descriptor; false when the store is full.
    func add(_ descriptor: SharedDescriptor, _ job: JobID) throws(SystemError) -> Bool {
        let isRoom = stored.withLock { stored in
            guard stored < limit else { return false }
            stored += 1
            return true
        }
        guard isRoom else { return false }
        var isStored = false
        defer { if !isStored { stored.withLock { $0 -= 1 } } }
        // FDPOLL=0: systemd would otherwise drop a descriptor on which poll reports an error.
        isStored = try Systemd.notify(
            "FDSTORE=1\nFDNAME=\(Self.name(of: job))\nFDPOLL=0", descriptors: [descriptor.number], environment: environment)
        return isStored
    }

    /// Gives a descriptor up.
    func remove(_ job: JobID) throws(SystemError) {
        stored.withLock { $0 -= 1 }
        try Systemd.notify("FDSTOREREMOVE=1\nFDNAME=\(Self.name(of: job))", environment: environment)
    }
}
