import ArtifactModel
import Synchronization

/// The places where credentials may be found, in order, and what was found last; shared by all sessions of a store.
final class CredentialsChain: Sendable {
    private let providers: [any CredentialsProvider]
    private let latest = Mutex<Credentials?>(nil)

    init(_ providers: [any CredentialsProvider]) { self.providers = providers }

    /// The credentials to sign with.
    /// - Throws: `storeDenied` when no place has any.
    func current() throws(ArtifactError) -> Credentials {
        try latest.withLock { (latest) throws(ArtifactError) in
            if let latest { return latest }
            let found = try find()
            latest = found
            return found
        }
    }

    /// Looks again, because the store refused these; whether there are others now.
    func reload(refused: Credentials) throws(ArtifactError) -> Bool {
        try latest.withLock { (latest) throws(ArtifactError) in
            let found = try find()
            latest = found
            return found != refused
        }
    }

    private func find() throws(ArtifactError) -> Credentials {
        for provider in providers {
            if let found = try provider.credentials() { return found }
        }
        throw ArtifactError(
            .storeDenied,
            "no S3 credentials found in \(providers.map(\.place).joined(separator: ", nor in ")); "
                + "set the two variables or write the profile")
    }
}
