import ArtifactModel
import Glibc

/// One file of sections and values, as the AWS tools write it.
struct ProfileFile {
    /// Values by section and name. A value nested below another (`s3 =` and indented lines) is named `s3.name`.
    let sections: [String: [String: String]]

    /// - Parameter path: names the file in errors.
    /// - Throws: `invalidRequest` that names the file and the line. No error quotes a line: it may hold a secret.
    init(text: String, path: String) throws(ArtifactError) {
        var sections: [String: [String: String]] = [:]
        var section: String?
        var parent: String?
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = Self.trimmed(raw)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            func malformed(_ what: String) -> ArtifactError {
                ArtifactError(.invalidRequest, "\(path.escapedForLog), line \(index + 1): \(what)")
            }
            if line.hasPrefix("[") {
                guard let end = line.firstIndex(of: "]") else { throw malformed("the section's name lacks its ']'") }
                let words = line[line.index(after: line.startIndex)..<end].split { $0 == " " || $0 == "\t" }
                section = words.joined(separator: " ")
                sections[words.joined(separator: " "), default: [:]] = sections[words.joined(separator: " ")] ?? [:]
                parent = nil
                continue
            }
            guard let section else { throw malformed("a value before the first [section]") }
            guard let equals = line.firstIndex(of: "=") else { throw malformed("neither [section] nor name = value") }
            let name = Self.trimmed(line[..<equals]).lowercased()
            let value = Self.withoutComment(Self.trimmed(line[line.index(after: equals)...]))
            let isNested = raw.first == " " || raw.first == "\t"
            if isNested, let parent {
                sections[section, default: [:]]["\(parent).\(name)"] = value
            } else {
                sections[section, default: [:]][name] = value
                parent = value.isEmpty ? name : nil
            }
        }
        self.sections = sections
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    /// A comment begins with white space and `#` or `;`.
    private static func withoutComment(_ value: Substring) -> String {
        var previous: Character = "="
        for index in value.indices {
            if (value[index] == "#" || value[index] == ";") && (previous == " " || previous == "\t") {
                return String(trimmed(value[..<index]))
            }
            previous = value[index]
        }
        return String(value)
    }
}

/// The text of a file of up to 1 MiB; nil when there is no such file.
/// - Throws: `invalidRequest` when it is there and cannot be read.
func smallFile(path: String) throws(ArtifactError) -> String? {
    func unreadable(_ cause: String) -> ArtifactError {
        ArtifactError(.invalidRequest, "\(path.escapedForLog) cannot be read; check the path and its permissions", cause: cause)
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
        let number = errno
        if number == ENOENT || number == ENOTDIR { return nil }
        throw unreadable(String(cString: strerror(number)))
    }
    defer { close(descriptor) }
    let limit = 1 << 20
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    var count = 0
    while count <= limit {
        let got = bytes.withUnsafeMutableBytes { buffer in
            Glibc.read(descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).baseAddress, buffer.count - count)
        }
        if got == 0 { break }
        if got > 0 { count += got }
        if got < 0 && errno != EINTR { throw unreadable(String(cString: strerror(errno))) }
    }
    guard count <= limit else { throw unreadable("it is longer than 1 MiB") }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else { throw unreadable("it is not UTF-8") }
    return text
}
