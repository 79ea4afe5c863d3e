import Journal
import Logfmt

extension JournalCondition {
    /// As status and the log show it.
    var text: String {
        switch self {
        case .ok: "ok"
        case .full(let since, let reason): "full since \(Timestamp.iso8601(milliseconds: since)): \(reason)"
        case .readOnly(let reason): "read-only: \(reason)"
        case .displaced(let reason):
            "displaced: \(reason); move it back, or wait for the jobs at hand and restart artifactd: what is pending then is lost"
        case .failed(let reason): "failed: \(reason)"
        }
    }
}
