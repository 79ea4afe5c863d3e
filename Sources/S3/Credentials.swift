/// What a request is signed with.
struct Credentials: Equatable, Sendable {
    /// The public half, which names the key.
    let accessKeyID: String
    /// The secret half.
    let secretAccessKey: Secret
    /// Comes with temporary credentials and travels with each request.
    let sessionToken: Secret?

    init(accessKeyID: String, secretAccessKey: String, sessionToken: String?) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = Secret(secretAccessKey)
        self.sessionToken = sessionToken.map(Secret.init)
    }
}
