/// What an artifact is, told from its extension.
public enum ArtifactKind: UInt8, Sendable, NamedChoice {
    /// `.pkl .joblib .pt .h5`
    case model = 1
    /// `.onnx`
    case onnx = 2
    /// `.json .yaml`
    case configuration = 3
    /// `.png .svg`
    case plot = 4
    /// `.csv .parquet`
    case data = 5
    /// `.txt .md`
    case report = 6
    /// Anything else.
    case other = 7

    /// The kind of a file with this name.
    public init(path: String) { self = Self.typed(path).kind }

    /// The media type (RFC 6838) of a file with this name; `application/octet-stream` where nothing better is known.
    public static func contentType(path: String) -> String { typed(path).type }

    /// The name in listings, filters and JSON.
    public var description: String {
        switch self {
        case .model: "model"
        case .onnx: "onnx"
        case .configuration: "configuration"
        case .plot: "plot"
        case .data: "data"
        case .report: "report"
        case .other: "other"
        }
    }

    private static func typed(_ path: String) -> (kind: ArtifactKind, type: String) {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (.other, "application/octet-stream") }
        switch name[name.index(after: dot)...].lowercased() {
        case "pkl", "joblib", "pt", "h5": return (.model, "application/octet-stream")
        case "onnx": return (.onnx, "application/octet-stream")
        case "json": return (.configuration, "application/json")
        case "yaml", "yml": return (.configuration, "application/yaml")
        case "png": return (.plot, "image/png")
        case "svg": return (.plot, "image/svg+xml")
        case "csv": return (.data, "text/csv")
        case "parquet": return (.data, "application/vnd.apache.parquet")
        case "txt": return (.report, "text/plain")
        case "md": return (.report, "text/markdown")
        case "html", "htm": return (.other, "text/html")
        case "jpg", "jpeg": return (.other, "image/jpeg")
        case "pdf": return (.other, "application/pdf")
        case "jsonl", "ndjson": return (.other, "application/x-ndjson")
        case "log": return (.other, "text/plain")
        case "zip": return (.other, "application/zip")
        case "tar": return (.other, "application/x-tar")
        case "gz": return (.other, "application/gzip")
        case "zst": return (.other, "application/zstd")
        default: return (.other, "application/octet-stream")
        }
    }
}
