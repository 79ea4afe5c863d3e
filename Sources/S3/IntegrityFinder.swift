import ArtifactModel
import ObjectStore

/// Asks an endpoint what it verifies: carries the requests of `IntegrityProbe` there.
struct IntegrityFinder {
    let connection: S3Connection

    /// The best integrity of the setting's candidates that the endpoint verifies.
    /// - Throws: `storeRejected` when the setting names one that is not; the endpoint's failures that say nothing about digests.
    func find() throws(ArtifactError) -> Integrity {
        let setting = connection.store.settings.options.integrity
        for candidate in setting.candidates where try verifies(candidate) { return candidate }
        if setting == .auto { return .unverified }
        throw ArtifactError(
            .storeRejected,
            "the configuration asks for the integrity '\(setting.rawValue)', and \(connection.store.endpoint) does not "
                + "verify it in the bucket \(connection.store.bucket); set integrity to auto or to what the endpoint verifies")
    }

    private func verifies(_ integrity: Integrity) throws(ArtifactError) -> Bool {
        let probe = IntegrityProbe(integrity: integrity)
        let object = ObjectDescription(
            key: try ObjectKey(IntegrityProbe.key(random: .random(in: 0 ... .max))), contentType: "application/octet-stream",
            encoding: .identity, metadata: [])
        let key = connection.store.fullKey(object.key.text)
        let create = try S3Request.createUpload(object, key: key, algorithm: integrity.crc)
        let begun = try connection.answer(to: create)
        switch IntegrityProbe.judge(right: connection.refusal(begun)) {
        case .taken: break
        case .unknown: return false
        case .failed: throw connection.failure(of: begun, to: create)
        }
        let uploadID = try connection.uploadID(of: begun, to: create)
        let verdict: Bool
        do {
            verdict = try verifies(probe, key: key, uploadID: uploadID)
        } catch {
            // What went wrong first is what is told; that the abort fails too adds nothing.
            do { try connection.abort(key: key, uploadID: uploadID) } catch {}
            throw error
        }
        try connection.abort(key: key, uploadID: uploadID)
        return verdict
    }

    private func verifies(_ probe: IntegrityProbe, key: String, uploadID: String) throws(ArtifactError) -> Bool {
        let bytes = IntegrityProbe.body
        return try bytes.span.bytes.withUnsafeBytes { (body) throws(ArtifactError) in
            let right = try probe.request(key: key, uploadID: uploadID, isRight: true)
            let taken = try connection.answer(to: right, body: body)
            switch IntegrityProbe.judge(right: connection.refusal(taken)) {
            case .taken: break
            case .unknown: return false
            case .failed: throw connection.failure(of: taken, to: right)
            }
            let wrong = try probe.request(key: key, uploadID: uploadID, isRight: false)
            let refused = try connection.answer(to: wrong, body: body)
            guard let verdict = IntegrityProbe.judge(wrong: connection.refusal(refused)) else {
                throw connection.failure(of: refused, to: wrong)
            }
            return verdict
        }
    }
}
