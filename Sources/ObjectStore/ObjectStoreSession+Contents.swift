public import ArtifactModel

extension ObjectStoreSession {
    /// The whole of a small object, as its bytes lie in the store; nil when there is none.
    /// - Parameter limit: the most bytes that are taken.
    /// - Throws: `tooLarge` when the object has more.
    public func contents(of key: ObjectKey, atMost limit: Int) throws(ArtifactError) -> [UInt8]? {
        var contents: [UInt8] = []
        do throws(ArtifactError) {
            try get(key) { (info, bytes) throws(ArtifactError) in
                guard info.size <= limit, contents.count + bytes.count <= limit else {
                    throw ArtifactError(
                        .tooLarge,
                        "'\(key.text.escapedForLog)' has \(info.size) bytes, and \(limit) are the most that such an object may "
                            + "have; look whether it is what it should be")
                }
                contents.append(contentsOf: bytes)
            }
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
        return contents
    }
}

extension ObjectDescription {
    /// Refuses an encoded object where the contract wants a plain one.
    package func requirePlain() throws(ArtifactError) {
        guard encoding == .identity else {
            throw ArtifactError(
                .invalidRequest, "'\(key.text.escapedForLog)' is encoded as \(encoding), and is stored if absent only as it is")
        }
    }
}
