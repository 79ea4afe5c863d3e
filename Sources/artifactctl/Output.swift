import ArgumentParser
import ArtifactClient
import ArtifactModel
import FoundationEssentials
import Glibc
import LinuxSystem

/// What the program says: results on standard output, complaints and the progress bar on standard error.
///
/// With `--json` complaints are documents on standard output too, and nothing stands on standard error unless standard output
/// cannot be written. Where standard error cannot be written nobody is left to tell: what is to be done is done all the same.
final class Output {
    let isJSON: Bool
    /// Whether to go on when standard output cannot be written. What is said there from then on is dropped; see `loss`.
    var outlivesStandardOutput = false
    /// Why standard output could not be written; nil as long as it could.
    private(set) var loss: StandardOutputError?
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
        progressWidth = json ? nil : Terminal.size(of: standardError)?.width
        flushesLines = Terminal.size(of: standardOutput) != nil
    }

    /// Writes a line of text.
    func line(_ text: String) throws(StandardOutputError) {
        buffer.append(contentsOf: text.utf8)
        buffer.append(UInt8(ascii: "\n"))
        // The bar stands where the line belongs.
        if hasBar { clearBar() }
        if flushesLines || buffer.count >= 64 << 10 { try flush() }
    }

    /// Writes what is known of one thing, a line a field.
    func fields(_ fields: [(name: String, value: String)]) throws(StandardOutputError) {
        for field in fields { try line("\(field.name.padded(to: 12))  \(field.value.shown)") }
    }

    /// Writes a document on a line of its own, keys sorted and in snake case.
    func document(_ value: some Encodable) throws {
        try line(String(decoding: try Self.encoder.encode(value), as: UTF8.self))
    }

    /// Whether complaints are documents, so that nothing else is to be said of them.
    var complainsInDocuments: Bool { isJSON && loss == nil }

    /// Says what went wrong with one input, or with the whole.
    /// - Parameter path: the input; nil for the whole.
    func complain(_ code: String, _ message: String, cause: String? = nil, path: String? = nil) throws {
        if complainsInDocuments {
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
    func note(_ text: String) throws(StandardOutputError) {
        try flush()
        if hasBar { clearBar() }
        let safe = text.split(separator: "\\", omittingEmptySubsequences: false).map(\.escapedForLog).joined(separator: "\\")
        say("artifactctl: \(safe)\n")
    }

    /// Draws the progress bar's line in place of the last; nil takes it away.
    func showBar(_ text: String?) throws(StandardOutputError) {
        try flush()
        if let text {
            say("\r\(text)\u{1B}[K")
            hasBar = true
        } else if hasBar {
            clearBar()
        }
    }

    /// Writes what is still kept back. Call it before waiting.
    func flush() throws(StandardOutputError) {
        if buffer.isEmpty { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        if loss != nil { return }
        do throws(SystemError) {
            try Self.write(buffer, to: standardOutput)
        } catch {
            let loss = StandardOutputError(cause: error)
            self.loss = loss
            if !outlivesStandardOutput { throw loss }
        }
    }

    private func clearBar() {
        say("\r\u{1B}[K")
        hasBar = false
    }

    private func say(_ text: String) {
        do throws(SystemError) {
            try Self.write(Array(text.utf8), to: standardError)
        } catch {
            // The exit status still tells.
        }
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
    func explain(_ error: any Error) -> ExitStatus {
        do {
            let status = try status(explaining: error)
            try flush()
            return status
        } catch let loss as StandardOutputError {
            // A reader that has seen enough, as `head`, is no trouble.
            if loss.cause.errno != EPIPE { say("artifactctl: \(loss)\n") }
            // Said on standard error now: nothing more can be lost.
            if !(error is StandardOutputError) { _ = explain(error) }
            return .failed
        } catch let failure {
            say("artifactctl: \(failure)\n")
            return .failed
        }
    }

    private func status(explaining error: any Error) throws -> ExitStatus {
        switch error {
        case let status as ExitStatus:
            try showBar(nil)
            return status
        case let error as ClientError:
            if case .failure(let error) = error { try complain(error) } else { try complain(error.code, error.description) }
            return ExitStatus(error)
        case let error as ArtifactError:
            try complain(error)
            return ExitStatus(error.code)
        case is StandardOutputError:
            throw error
        case let error as SystemError:
            try complain("internal_fault", "a system call failed", cause: error.description)
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
            return .done
        case .validationFailure:
            say(text + "\n")
            return .usage
        default:
            try note(text)
            return .failed
        }
    }
}
