import ArtifactClient

extension Client {
    /// Makes a run that began on another node known to this daemon: requests about it may be refused before.
    /// - Parameter timeout: how long it may take; nil for as long as the daemon needs.
    func attach(to run: String, timeout: Duration? = nil) throws(ClientError) { _ = try self.run(run, timeout: timeout) }
}
