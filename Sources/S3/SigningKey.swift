import ArtifactModel
import Synchronization

/// A key derived for one day, region and service.
struct SigningKey: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    var description: String { "<redacted>" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// Keeps the key of the day: four of the five HMACs of a request.
final class SigningKeyCache: Sendable {
    private struct Entry {
        let date: String
        let secret: Secret
        let key: SigningKey
    }

    private let signer: SigV4
    private let latest = Mutex<Entry?>(nil)

    init(signer: SigV4) { self.signer = signer }

    func key(secret: Secret, at time: SigningTime) throws(ArtifactError) -> SigningKey {
        try latest.withLock { (latest) throws(ArtifactError) in
            if let latest, latest.date == time.date, latest.secret == secret { return latest.key }
            let key = try signer.signingKey(secret: secret, at: time)
            latest = Entry(date: time.date, secret: secret, key: key)
            return key
        }
    }
}
