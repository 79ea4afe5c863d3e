public import ArtifactModel
import CCurl

/// What concerns the process as a whole.
public enum S3 {
    private static let outcome = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    /// Readies libcurl.
    ///
    /// `main` calls it once before it starts its threads, and ignores SIGPIPE: a TLS connection that the other side closed raises
    /// it, since no handle touches signals. Further calls do nothing.
    /// - Throws: `internalFault` when libcurl cannot be readied.
    public static func initialize() throws(ArtifactError) {
        guard outcome == CURLE_OK else {
            throw ArtifactError(
                .internalFault, "libcurl cannot be initialised; check the installation",
                cause: String(cString: curl_easy_strerror(outcome)))
        }
    }
}
