public import ArtifactModel

/// One step in a job's life. Each names the states it can be taken from; from any other nothing changes and the answer is false.
///
/// `at` is Unix time in milliseconds.
public enum Change: Sendable {
    /// A worker starts on it: accepted or uploading → uploading, one more attempt, the last error forgotten.
    case began(_ sequence: Int64, encoding: ContentEncoding, at: Int64)
    /// Uploading, and no upload open: a multipart upload is about to be created. Journalled before the store is asked, so that an
    /// upload whose id was never learnt can be found. Of several intents the first one's time is kept.
    case uploadIntended(_ sequence: Int64, codec: String, partSize: UInt64, at: Int64)
    /// Uploading, intended, and no other upload open: the store has created the upload. Where the answer is false the upload is
    /// noted among those to abort.
    case uploadCreated(_ sequence: Int64, uploadID: String)
    /// Uploading, and an upload open: the store has confirmed a part. Replaces an earlier part of the same number.
    case partSent(_ sequence: Int64, PartRecord)
    /// Accepted or uploading: the upload, its intent and its parts are forgotten, and the upload noted among those to abort.
    case uploadReset(_ sequence: Int64)
    /// Uploading → stored.
    case stored(_ sequence: Int64, StoredFacts, at: Int64)
    /// Accepted or uploading → failed. The pin and the inline bytes stay, for a retry; the upload is noted among those to abort.
    case failed(_ sequence: Int64, ArtifactError, at: Int64)
    /// Accepted or uploading → accepted, with the error as what it waits for. The upload and its parts stay.
    case waiting(_ sequence: Int64, ArtifactError, at: Int64)
    /// Accepted, uploading or failed → cancelled. The upload is noted among those to abort.
    case cancelled(_ sequence: Int64, at: Int64)
    /// Failed → accepted, the error forgotten.
    case retried(_ sequence: Int64, at: Int64)
    /// Accepted, uploading or failed: the bytes are held in another way from now on.
    case pinned(_ sequence: Int64, Pin, spoolName: String?, fingerprint: SourceFingerprint?, level: AcknowledgementLevel)
    /// Accepted or uploading: the source has new content, from which the upload starts again; else as `uploadReset`.
    case sourceRenewed(_ sequence: Int64, fingerprint: SourceFingerprint, size: UInt64)
    /// An upload that was noted for it has been aborted. False when it was not noted.
    case uploadAborted(uploadID: String)
}

extension Change {
    /// Whether a promise to a client follows from it: that the bytes are durable.
    var isPromise: Bool {
        if case .pinned(_, _, _, _, let level) = self { level >= .durable } else { false }
    }
}
