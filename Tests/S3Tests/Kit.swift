import ArtifactModel
import ObjectStore
import Synchronization

@testable import S3

/// What the tests of this module share.
enum Kit {
    static let environment = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"]

    /// A store in the bucket `bucket` below the prefix `pre`, whose clock stands at 2013-05-24T00:00:00Z.
    static func store(
        _ endpoint: String, environment: [String: String] = environment, options: S3Options = S3Options(version: "1.2.3"),
        remembering integrity: Integrity? = .crc32c
    ) throws -> S3Store {
        let environment = environment.merging(["AWS_ENDPOINT_URL_S3": endpoint]) { $1 }
        return try S3Store(
            location: .s3(bucket: "bucket", prefix: "pre"),
            settings: .resolve(environment: environment, options: options),
            memory: integrity.map { Memory($0) }, clock: { 1_369_353_600 })
    }

    static func object(_ key: String = "k", metadata: [(name: String, value: String)] = []) throws -> ObjectDescription {
        ObjectDescription(
            key: try ObjectKey(key), contentType: "application/octet-stream", encoding: .identity, metadata: metadata)
    }

    /// What an operation is expected to fail with.
    static func error(_ operation: () throws -> Void) -> ArtifactError? {
        do {
            try operation()
            return nil
        } catch {
            return error as? ArtifactError
        }
    }

    /// The body of an empty object.
    static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

/// A memory that lasts as long as the test.
final class Memory: IntegrityMemory {
    private let remembered: Mutex<[String: Integrity]>
    private let always: Integrity?

    /// - Parameter always: what is recalled of any place.
    init(_ always: Integrity? = nil) {
        self.always = always
        remembered = Mutex([:])
    }

    var everything: [String: Integrity] { remembered.withLock { $0 } }

    func recall(_ place: String) -> Integrity? { always ?? remembered.withLock { $0[place] } }

    func remember(_ integrity: Integrity, of place: String) { remembered.withLock { $0[place] = integrity } }
}
