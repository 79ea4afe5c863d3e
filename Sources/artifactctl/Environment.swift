import Glibc

/// The environment variables that this program honours.
enum Environment {
    static var all: [String: String] {
        var values: [String: String] = [:]
        for name in ["ARTIFACTD_SOCKET", "XDG_RUNTIME_DIR", "TMPDIR"] {
            if let value = getenv(name) { values[name] = String(cString: value) }
        }
        return values
    }
}
