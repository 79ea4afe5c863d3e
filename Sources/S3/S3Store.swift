public import ArtifactModel
import Glibc
public import ObjectStore
import Synchronization

/// A bucket on an S3 server, or a part of it below a prefix.
///
/// Sessions share what was learnt of the server: the credentials, what it verifies, how far its clock is off. Nothing is retried
/// here, but for two failures that cure themselves at once: a clock that differs, and credentials that were renewed meanwhile.
public final class S3Store: ObjectStore {
    public let location: StoreLocation
    public let limits = StoreLimits.s3
    let settings: S3Settings
    let bucket: String
    let prefix: String
    let address: BucketAddress
    let credentials: CredentialsChain
    let signer: SigV4
    let signingKeys: SigningKeyCache
    let isCut: @Sendable () -> Bool
    private let memory: (any IntegrityMemory)?
    private let integrity = Mutex<Integrity?>(nil)
    private let clockOffset = Atomic<Int>(0)
    private let clock: @Sendable () -> Int

    /// A store at this location. Does no I/O.
    /// - Parameter memory: keeps what the endpoint was found to verify; nil to find out anew in each process.
    /// - Parameter isCut: asked by transfers under way, from their threads; once it says true they end as `shuttingDown`.
    /// - Throws: `invalidRequest` when the location is no bucket.
    public convenience init(
        location: StoreLocation, settings: S3Settings, memory: (any IntegrityMemory)?,
        isCut: @escaping @Sendable () -> Bool = { false }
    ) throws(ArtifactError) {
        try self.init(location: location, settings: settings, memory: memory, isCut: isCut, clock: { time(nil) })
    }

    /// - Parameter clock: this machine's Unix time in seconds.
    init(
        location: StoreLocation, settings: S3Settings, memory: (any IntegrityMemory)?,
        isCut: @escaping @Sendable () -> Bool = { false }, clock: @escaping @Sendable () -> Int
    ) throws(ArtifactError) {
        guard case .s3(let bucket, let prefix) = location else {
            throw ArtifactError(.invalidRequest, "the store '\(location)' is no bucket; write s3://bucket or s3://bucket/prefix")
        }
        self.location = location
        self.settings = settings
        self.bucket = bucket
        self.prefix = prefix
        self.memory = memory
        self.isCut = isCut
        self.clock = clock
        address = settings.address(ofBucket: bucket)
        credentials = CredentialsChain(settings.providers)
        signer = SigV4(region: settings.region)
        signingKeys = SigningKeyCache(signer: signer)
    }

    /// The server's URL, for status and logs.
    public var endpoint: String { address.endpoint.description }

    public func makeSession(isCut: @escaping @Sendable () -> Bool) -> any ObjectStoreSession {
        S3Session(S3Connection(store: self, isCut: isCut))
    }

    public func checkKey(_ key: ObjectKey) throws(ArtifactError) { _ = try ObjectKey(key.text, belowPrefix: prefix) }

    /// The key in the bucket.
    func fullKey(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix)/\(key)" }

    /// The server's time as far as it is known, in Unix seconds.
    var now: Int { clock() + clockOffset.load(ordering: .relaxed) }

    /// Takes the server's word for what time it is.
    func learn(serverTime: Int) { clockOffset.store(serverTime - clock(), ordering: .relaxed) }

    /// What the endpoint verifies: remembered, else found.
    ///
    /// One thread finds out while the others wait. A failure of the endpoint is thrown and not remembered.
    func integrity(orFind find: () throws(ArtifactError) -> Integrity) throws(ArtifactError) -> Integrity {
        try integrity.withLock { (known) throws(ArtifactError) in
            if let known { return known }
            let place = "\(settings.options.integrity.rawValue) \(address.endpoint) \(bucket)"
            if let remembered = try memory?.recall(place) {
                known = remembered
                return remembered
            }
            let found = try find()
            try memory?.remember(found, of: place)
            known = found
            return found
        }
    }
}
