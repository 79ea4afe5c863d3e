/// A text that must never be printed: no log line, error or debugger dump shows what is in it.
struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for signing and sending only.
    let exposed: String

    init(_ text: String) { exposed = text }

    var description: String { "<redacted>" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
