import Testing

@testable import GatewayCore

/// JSON, both ways.
struct JSONTests {
    /// Documents are written as Python writes them, members in their order.
    @Test func isWritten() {
        let document: JSON = ["b": "x\"\\\n\t\u{1}ä", "a": [:], "n": .null, "l": .array([true, 1, .integer(UInt64.max)])]
        #expect(document.text == #"{"b": "x\"\\\n\t\u0001ä", "a": {}, "n": null, "l": [true, 1, 9223372036854775807]}"#)
    }

    /// Members of requests are checked: unknown, missing, of the wrong type, null.
    @Test(arguments: [
        "{", "[]", "3", "{}", #"{"name": 3}"#, #"{"name": null}"#, #"{"name": "x", "nmae": "y"}"#,
        #"{"name": "x", "tags": {"a": 1}}"#,
        #"{"name": "x", "tags": {"a": null}}"#, #"{"name": "x", "description": null}"#, #"{"name": "x"} more"#, "\u{FEFF}{",
    ])
    func refusesDocuments(text: String) {
        let error = #expect(throws: APIError.self) { try NewExperiment(json: .init(string: text)) }
        #expect(error?.code == .validationFailed)
    }

    /// What a request leaves out has its default; a tag without a value is taken away by a change alone.
    @Test func readsDocuments() throws {
        #expect(try NewExperiment(json: .init(string: #"{"name": "x"}"#)).message == .init(name: "x"))
        let changes = try ExperimentChanges(json: .init(string: #"{"description": "", "tags": {"a": null, "b": "c"}}"#))
        #expect(changes.description == "" && changes.name == nil && changes.tags == ["a": nil, "b": "c"])
        #expect(try RunEnd(json: .init(string: "")).status == .finished)
        #expect(try RunEnd(json: .init(string: #"{"status": "killed"}"#)).status == .killed)
        #expect(throws: APIError.self) { try RunEnd(json: .init(string: #"{"status": "running"}"#)) }
        for text in ["{}", #"{"experiment_id": "a", "experiment_name": "b"}"#] {
            #expect(throws: APIError.self) { try NewRun(json: .init(string: text)) }
        }
    }
}
