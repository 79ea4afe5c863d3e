import ArtifactModel
import ObjectStore
import S3
import TestSupport
import Testing

/// A kind of store that has to keep the contract.
enum StoreKind: String, CaseIterable, CustomStringConvertible {
    case directory, memory, retrying, seaweed

    var description: String { rawValue }
}

@Suite struct ConformanceTests {
    /// Every store keeps every promise of the contract.
    @Test(arguments: StoreKind.allCases, ConformanceSuite.cases)
    func keepsTheContract(_ kind: StoreKind, _ promise: ConformanceSuite.Case) throws {
        switch kind {
        case .directory:
            let directory = try TemporaryDirectory()
            try promise.check(StoreUnderTest(try DirectoryStore(root: "\(directory.path)/store")))
        case .memory:
            try promise.check(StoreUnderTest(Self.memory()))
        case .retrying:
            try promise.check(StoreUnderTest(RetryingStore(Self.memory(), sleep: { _ in true })))
        case .seaweed:
            try promise.check(StoreUnderTest(try Self.seaweed(), quirks: .seaweedFS))
        }
    }

    private static func memory() -> MemoryStore {
        MemoryStore(limits: StoreLimits(maximumParts: 10_000, minimumPartSize: 1 << 20, maximumPartSize: 1 << 30))
    }

    /// A prefix of its own in the one bucket of the tests' server.
    private static func seaweed() throws -> S3Store {
        try S3.initialize()
        let settings = try S3Settings.resolve(
            environment: [
                "AWS_ENDPOINT_URL": try bucket.get().endpoint, "AWS_ACCESS_KEY_ID": SeaweedFS.accessKey,
                "AWS_SECRET_ACCESS_KEY": SeaweedFS.secretKey,
            ],
            options: S3Options(version: "test"))
        let prefix = "case-\(UInt64.random(in: 0 ... .max))"
        return try S3Store(location: .s3(bucket: try bucket.get().name, prefix: prefix), settings: settings, memory: nil)
    }

    private static let bucket = Result<(endpoint: String, name: String), any Error> {
        let server = try SeaweedFS.shared()
        return (server.endpoint, try server.makeBucket())
    }
}
