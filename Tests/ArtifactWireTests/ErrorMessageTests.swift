import ArtifactModel
import ArtifactWire
import Testing

@Suite struct ErrorMessageTests {
    /// An error that quotes a megabyte is cut, with an ellipsis to show it, and fits into a frame.
    @Test(arguments: ["x", "é", "€", "🎈"])
    func cutsLongTexts(character: String) throws {
        let long = String(repeating: character, count: 1 << 20)
        let message = ErrorMessage(ArtifactError(.invalidKey, long, cause: long))
        let cause = try #require(message.error.cause)
        for text in [message.error.message, cause] {
            #expect(text.utf8.count <= ErrorMessage.maximumText)
            #expect(text.utf8.count > ErrorMessage.maximumText - 8)
            #expect(text.hasSuffix("…"))
            #expect(long.hasPrefix(text.dropLast()))
        }
        #expect(try decodeFrame(Message.error(message).frame(requestID: 1)).1 == .error(message))
    }

    /// A text of just the greatest length is kept as it is.
    @Test func keepsTextsOfTheGreatestLength() {
        let text = String(repeating: "x", count: ErrorMessage.maximumText)
        #expect(ErrorMessage(ArtifactError(.busy, text, cause: text)).error == ArtifactError(.busy, text, cause: text))
    }

    /// A job record with a megabyte of error still fits into a frame.
    @Test func cutsTheErrorOfAJob() throws {
        let record = JobRecord(
            id: JobID(high: 1, low: 2), sequence: 1, uid: 0, tenant: "", destination: "a", label: "", size: 0, state: .failed,
            level: .accepted, pin: .inline, compression: .none, kind: .other, contentType: "text/plain", acceptedAt: 0,
            updatedAt: 0, error: ArtifactError(.storeRejected, String(repeating: "x", count: 1 << 20)))
        let bytes = try Message.jobs(Jobs(records: [record])).frame(requestID: 1)
        guard case .jobs(let jobs) = try decodeFrame(bytes).1 else {
            Issue.record("jobs became another message")
            return
        }
        #expect(jobs.records.first?.error?.message.utf8.count == ErrorMessage.maximumText)
    }
}
