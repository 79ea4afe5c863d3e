import ArtifactModel
import ArtifactWire

/// libFuzzer's entry: any bytes, as if a peer had sent them as one frame.
///
/// Whatever they are, the header and the payload are decoded or refused with a documented code, nothing traps, and what decodes
/// is a fixed point: encoded and decoded again it is the same message and the same bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFrame(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard checkHeader(input) else { return 0 }
    // The length is set right, so that the fuzzer need not find it before it gets to the fields.
    let type = UInt16(input[4]) | UInt16(input[5]) << 8
    let header = FrameHeader(length: UInt32(count), type: type, descriptorCount: input[7], requestID: 1)
    checkMessage(header, input[FrameHeader.size...])
    return 0
}

/// Checks what the decoder says of the header; false while there is no whole header.
private func checkHeader(_ input: [UInt8]) -> Bool {
    do throws(ArtifactError) {
        guard let header = try FrameHeader.decode(input[...]) else {
            check(input.count < FrameHeader.size, "a whole header was not seen")
            return false
        }
        check(
            (FrameHeader.size...FrameHeader.maximumFrameLength).contains(Int(header.length)), "a length out of bounds got through"
        )
    } catch {
        check(error.code == .frameTooLarge || error.code == .malformedFrame, "the header met \(error.code)")
    }
    return true
}

private func checkMessage(_ header: FrameHeader, _ payload: ArraySlice<UInt8>) {
    let message: Message
    do throws(ArtifactError) {
        message = try Message.decode(header, payload: payload)
    } catch {
        check(
            [.malformedFrame, .unsupportedMessage, .invalidRequest].contains(error.code), "the payload met \(error.code)")
        checkRoundTrip(.error(ErrorMessage(error)))
        return
    }
    checkRoundTrip(message)
}

private func checkRoundTrip(_ message: Message) {
    do throws(ArtifactError) {
        let bytes = try message.frame(requestID: 1)
        guard let header = try FrameHeader.decode(bytes[...]) else { fatalError("the encoder left no whole header") }
        check(Int(header.length) == bytes.count, "the encoder's length is wrong")
        let again = try Message.decode(header, payload: bytes[FrameHeader.size...])
        check(again == message, "the message changed on its way through the encoder")
        let bytesAgain = try again.frame(requestID: 1)
        check(bytesAgain == bytes, "the same message was encoded to other bytes")
    } catch {
        fatalError("what was decoded cannot be encoded and decoded again: \(error)")
    }
}

/// Ends the run with a sentence when the promise is broken: `precondition` keeps silent in an optimised build.
private func check(_ promise: Bool, _ complaint: @autoclosure () -> String) {
    if !promise { fatalError(complaint()) }
}
