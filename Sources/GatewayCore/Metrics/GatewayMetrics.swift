import ArtifactModel
import ArtifactWire
import Glibc
import LinuxSystem
import Synchronization

/// What the gateway counts of itself. Every label has few values: names of routes, methods and statuses, never what a client sends.
final class GatewayMetrics: Sendable {
    private struct Series: Hashable {
        var route: String
        var method: String
        var status: Int
    }

    /// From a millisecond to ten minutes.
    private static let durations = Histogram(bounds: [0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 60, 600])

    private struct State {
        var requests: [Series: UInt64] = [:]
        var errors: [String: UInt64] = [:]
        var durations: [String: Histogram] = [:]
    }

    private let state = Mutex(State())
    private let bytesReceived = Atomic<UInt64>(0)
    private let bytesSent = Atomic<UInt64>(0)
    private let uploads: Admission
    private let downloads: Admission

    init(uploads: Admission, downloads: Admission) {
        self.uploads = uploads
        self.downloads = downloads
    }

    /// Bytes of an upload's body came.
    func received(_ count: Int) { bytesReceived.add(UInt64(count), ordering: .relaxed) }

    /// Bytes of an artifact went.
    func sent(_ count: Int) { bytesSent.add(UInt64(count), ordering: .relaxed) }

    /// A request was answered.
    /// - Parameter error: the platform's code of the refusal.
    func answered(route: String, method: String, status: Int, seconds: Double, error: String?) {
        let methods: Set<String> = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"]
        let series = Series(route: route, method: methods.contains(method) ? method : "other", status: status)
        state.withLock { state in
            state.requests[series, default: 0] += 1
            state.durations[route, default: Self.durations].add(seconds)
            if let error { state.errors[error, default: 0] += 1 }
        }
    }

    func write(to text: inout MetricsText) throws(SystemError) {
        let state = state.withLock { $0 }
        text.write("artifact_gateway_build_info", .gauge, "The gateway's version.", [.init(1, ("version", artifactdVersion))])
        text.write(
            "artifact_gateway_http_requests_total", .counter, "Requests answered.",
            state.requests.sorted { ($0.key.route, $0.key.method, $0.key.status) < ($1.key.route, $1.key.method, $1.key.status) }
                .map {
                    .init(Double($0.value), ("route", $0.key.route), ("method", $0.key.method), ("status", "\($0.key.status)"))
                })
        text.write(
            "artifact_gateway_http_request_duration_seconds", "From a request's header to its answer's; with an upload's body.",
            state.durations.sorted { $0.key < $1.key }.map { ([("route", $0.key)], $0.value) })
        text.write(
            "artifact_gateway_errors_total", .counter, "Requests refused, by the code of the refusal.",
            state.errors.sorted { $0.key < $1.key }.map { .init(Double($0.value), ("code", $0.key)) })
        text.write(
            "artifact_gateway_received_bytes_total", .counter, "Bytes of uploads' bodies.", bytesReceived.load(ordering: .relaxed)
        )
        text.write("artifact_gateway_sent_bytes_total", .counter, "Bytes of artifacts sent.", bytesSent.load(ordering: .relaxed))
        text.write("artifact_gateway_uploads_in_flight", .gauge, "Uploads under way.", uploads.count)
        text.write("artifact_gateway_uploads_limit", .gauge, "Uploads at once at most.", uploads.limit)
        text.write("artifact_gateway_downloads_in_flight", .gauge, "Downloads under way.", downloads.count)
        text.write("artifact_gateway_downloads_limit", .gauge, "Downloads at once at most.", downloads.limit)
        text.write(
            "process_resident_memory_bytes", .gauge, "Resident memory of the gateway.", try Self.residentBytes())
    }

    private static func residentBytes() throws(SystemError) -> UInt64 {
        let file = try System.open("/proc/self/statm", O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
            try System.read(file.number, into: UnsafeMutableRawBufferPointer(buffer))
        }
        let words = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
        return (words.count > 1 ? UInt64(words[1]) ?? 0 : 0) * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
