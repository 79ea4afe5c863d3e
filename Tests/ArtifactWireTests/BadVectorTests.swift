import ArtifactModel
import ArtifactWire
import Testing

/// The bad vectors: each must meet its own error.
@Suite struct BadVectorTests {
    /// Every bad frame is refused with the code that its vector names.
    @Test(arguments: try Vectors.bad())
    func isRefused(_ vector: BadVector) throws {
        let bytes = try [UInt8](hex: vector.hex)
        let error = try #require(throws: ArtifactError.self) { try decodeFrame(bytes) }
        #expect(error.code.description == vector.error, "\(error)")
    }

    /// The vectors end the connection exactly for the two codes that say so, as the specification has it.
    @Test(arguments: try Vectors.bad())
    func endsTheConnectionByItsCode(_ vector: BadVector) {
        #expect(vector.endsConnection == ["malformed_frame", "frame_too_large"].contains(vector.error))
    }

    /// A refusal quotes what it refuses only so far that it fits into a frame itself.
    @Test(arguments: try Vectors.bad())
    func canBeToldToTheOtherSide(_ vector: BadVector) throws {
        let bytes = try [UInt8](hex: vector.hex)
        let error = try #require(throws: ArtifactError.self) { try decodeFrame(bytes) }
        let answer = try Message.error(ErrorMessage(error)).frame(requestID: 1)
        #expect(try decodeFrame(answer).1 == .error(ErrorMessage(error)))
    }
}
