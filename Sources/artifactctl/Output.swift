import ArgumentParser
import ArtifactClient
import ArtifactModel
import FoundationEssentials
import Glibc
import LinuxSystem

/// What the program says: results on standard output, complaints and the progress bar on standard error.
///
/// With `--json` complaints are documents on standard output too, and nothing stands on standard error.
final class Output {
    let isJSON: Bool
    /// How wide a progress bar may be; nil when there is no terminal for it to stand on.
    let progressWidth: Int?

    private let standardOutput: Int32
    private let standardError: Int32
    private let flushesLines: Bool
    private var buffer: [UInt8] = []
    private var hasBar = false

    init(json: Bool, standardOutput: Int32 = STDOUT_FILENO, standardError: Int32 = STDERR_FILENO) {
        isJSON = json
        self.standardOutput = standardOutput
        self.standardError = standardError
        progressWidth = json ? nil : Terminal.width(of: standardError)
        flushesLines = Terminal.width(of: standardOutput) != nil
    }

    /// Writes a line of text.
    func line(_ text: String) throws(SystemError) {
        buffer.append(contentsOf: text.utf8)
        buffer.append(UInt8(ascii: "\n"))
        // The bar stands where the line belongs.
        if hasBar { try clearBar() }
        if flushesLines || buffer.count >= 64 << 10 { try flush() }
    }

    /// Writes what is known of one thing, a line a field.
    func fields(_ fields: [(name: String, value: String)]) throws(SystemError) {
        for field in fields { try line("\(field.name.padded(to: 12))  \(field.value.shown)") }
    }

    /// Writes a document on a line of its own, keys sorted and in snake case.
    func document(_ value: some Encodable) throws {
        try line(String(decoding: try Self.encoder.encode(value), as: UTF8.self))
    }

    /// Says what went wrong with one input, or with the whole.
    /// - Parameter path: the input; nil for the whole.
    func complain(_ code: String, _ message: String, cause: String? = nil, path: String? = nil) throws {
        if isJSON {
            try document(Complaint(path: path, error: ErrorDocument(code: code, message: message, cause: cause)))
        } else {
            // The daemon knows the destination and not always the path.
            let isNamed = path.map { message.contains("'\($0.escapedForLog)'") || message.contains("'\($0)'") } ?? true
            let subject = path.map { isNamed ? "" : "'\($0.escapedForLog)': " } ?? ""
            try note(subject + (cause.map { "\(message) (\($0))" } ?? message))
        }
    }

    func complain(_ error: ArtifactError, path: String? = nil) throws {
        try complain(error.code.description, error.message, cause: error.cause, path: path)
    }

    /// Writes a line to standard error. Control characters are escaped, backslashes left alone: names in a message are
    /// escaped already.
    func note(_ text: String) throws(SystemError) {
        try flush()
        if hasBar { try clearBar() }
        let safe = text.split(separator: "\\", omittingEmptySubsequences: false).map(\.escapedForLog).joined(separator: "\\")
        try Self.write("artifactctl: \(safe)\n", to: standardError)
    }

    /// Draws the progress bar's line in place of the last; nil takes it away.
    func showBar(_ text: String?) throws(SystemError) {
        try flush()
        if let text {
            try Self.write("\r\(text)\u{1B}[K", to: standardError)
            hasBar = true
        } else if hasBar {
            try clearBar()
        }
    }

    /// Writes what is still kept back. Call it before waiting.
    func flush() throws(SystemError) {
        if buffer.isEmpty { return }
        // Emptied first: what cannot be written is not tried again when the failure is explained.
        let bytes = buffer
        buffer.removeAll(keepingCapacity: true)
        try Self.write(bytes, to: standardOutput)
    }

    private func clearBar() throws(SystemError) {
        try Self.write("\r\u{1B}[K", to: standardError)
        hasBar = false
    }

    private static func write(_ text: String, to descriptor: Int32) throws(SystemError) {
        try write(Array(text.utf8), to: descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
        let outcome: Result<Void, SystemError> = bytes.withUnsafeBytes { bytes in
            do throws(SystemError) {
                return .success(try System.write(bytes, to: descriptor))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return encoder
    }
}

extension Output {
    /// Says why a command ended with an error, and which status follows.
    func explain(_ error: any Error) throws -> ExitStatus {
        switch error {
        case let status as ExitStatus:
            try showBar(nil)
            try flush()
            return status
        case let error as ClientError:
            if case .failure(let error) = error { try complain(error) } else { try complain(error.code, error.description) }
            try flush()
            return ExitStatus(error)
        case let error as ArtifactError:
            try complain(error)
            try flush()
            return ExitStatus(error.code)
        case let error as SystemError where error.errno == EPIPE:
            return .failed
        case let error as SystemError:
            try complain("internal_fault", "a system call failed", cause: error.description)
            try flush()
            return .failed
        default:
            return try explainUsage(error)
        }
    }

    /// What ArgumentParser throws: a wrong command line, or a request for help.
    private func explainUsage(_ error: any Error) throws -> ExitStatus {
        let text = ArtifactCtl.fullMessage(for: error)
        switch ArtifactCtl.exitCode(for: error) {
        case .success:
            try line(text)
            try flush()
            return .done
        case .validationFailure:
            try Self.write(text + "\n", to: standardError)
            return .usage
        default:
            try note(text)
            return .failed
        }
    }
}
