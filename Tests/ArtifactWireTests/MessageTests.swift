import ArtifactModel
import ArtifactWire
import Testing

@Suite struct MessageTests {
    /// The errors that the decoder of a payload may throw: the ones that its documentation names.
    private static let refusals: Set<ArtifactError.Code> = [.malformedFrame, .unsupportedMessage, .invalidRequest]

    /// Every message is decoded to what was encoded, whatever it holds; the header says what the frame is.
    @Test(arguments: MessageType.allCases)
    func roundTrips(type: MessageType) throws {
        var random = RandomMessage(generator: SeededGenerator(seed: UInt64(type.rawValue)))
        for _ in 0..<200 {
            let message = random.make(type)
            let requestID = random.generator.next()
            let descriptors = UInt8.random(in: 0...1, using: &random.generator)
            let bytes = try message.frame(requestID: requestID, descriptorCount: descriptors)
            let (header, decoded) = try decodeFrame(bytes)
            #expect(decoded == message)
            #expect(
                header
                    == FrameHeader(
                        length: UInt32(bytes.count), type: type.rawValue, descriptorCount: descriptors, requestID: requestID))
        }
    }

    /// Whatever a later version adds as optional is skipped, in every message.
    @Test(arguments: MessageType.allCases)
    func skipsUnknownOptionalFields(type: MessageType) throws {
        var random = RandomMessage(generator: SeededGenerator(seed: 1))
        let message = random.make(type)
        let field: [UInt8] = [0x99, 0x19, 3, 0, 0, 0, 1, 2, 3]
        #expect(try decodeFrame(Self.appending(field + field, to: message)).1 == message)
    }

    /// Whatever a later version adds as critical is refused, in every message, and the connection goes on.
    @Test(arguments: MessageType.allCases)
    func refusesUnknownCriticalFields(type: MessageType) throws {
        var random = RandomMessage(generator: SeededGenerator(seed: 2))
        let frame = try Self.appending([0x99, 0x99, 0, 0, 0, 0], to: random.make(type))
        let error = try #require(throws: ArtifactError.self) { try decodeFrame(frame) }
        #expect(error.code == .unsupportedMessage)
    }

    /// A frame of exactly 1 MiB passes; with one byte more it is refused before it is sent.
    @Test func encodesUpToTheLimit() throws {
        func put(_ count: Int) -> Message { .put(Put(destination: "a", source: .inline([UInt8](repeating: 7, count: count)))) }
        let overhead = try put(0).frame(requestID: 1).count
        let largest = put(FrameHeader.maximumFrameLength - overhead)
        let bytes = try largest.frame(requestID: 1)
        #expect(bytes.count == FrameHeader.maximumFrameLength)
        #expect(try decodeFrame(bytes).1 == largest)
        let error = try #require(throws: ArtifactError.self) {
            try put(FrameHeader.maximumFrameLength - overhead + 1).frame(requestID: 1)
        }
        #expect(error.code == .frameTooLarge)
    }

    /// A good frame that is cut anywhere, its length set right, is decoded or refused, never more.
    @Test(arguments: try Vectors.good())
    func survivesCuts(_ vector: GoodVector) throws {
        let (header, _) = try decodeFrame([UInt8](hex: vector.hex))
        let payload = try [UInt8](hex: vector.hex).dropFirst(FrameHeader.size)
        for count in 0..<payload.count { try Self.decodeAnything(header.type, payload.prefix(count)) }
    }

    /// Random payloads under every type, 100,000 of them, are decoded or refused with a documented code.
    @Test func survivesRandomBytes() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<50_000 {
            let payload = generator.bytes(0...64)
            let type = MessageType.allCases.randomElement(using: &generator) ?? .put
            try Self.decodeAnything(type.rawValue, payload[...])
            try Self.decodeAnything(UInt16(truncatingIfNeeded: generator.next()), payload[...])
        }
    }

    /// Good frames with some bytes changed, 100,000 of them, are decoded or refused; what decodes is encoded and decoded to the same.
    @Test func survivesChangedVectors() throws {
        var generator = SeededGenerator(seed: 4)
        let frames = try Vectors.good().map { try [UInt8](hex: $0.hex) }
        for index in 0..<100_000 {
            var bytes = frames[index % frames.count]
            guard bytes.count > FrameHeader.size else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: FrameHeader.size..<bytes.count, using: &generator)
                bytes[position] = UInt8(truncatingIfNeeded: generator.next() >> UInt64.random(in: 0..<8, using: &generator))
            }
            let type = UInt16(bytes[4]) | UInt16(bytes[5]) << 8
            try Self.decodeAnything(type, bytes[FrameHeader.size...])
        }
    }

    /// Random headers, 100,000 of them, are decoded or refused; what decodes keeps to the limits.
    @Test func survivesRandomHeaders() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<100_000 {
            let bytes = generator.bytes(0...20)
            let header: FrameHeader?
            do throws(ArtifactError) {
                header = try FrameHeader.decode(bytes[...])
            } catch {
                guard error.code == .frameTooLarge || error.code == .malformedFrame else { throw error }
                continue
            }
            guard let header else {
                try #require(bytes.count < FrameHeader.size)
                continue
            }
            try #require((FrameHeader.size...FrameHeader.maximumFrameLength).contains(Int(header.length)))
        }
    }

    /// Decodes; checks that a refusal has one of the documented codes, and that a message keeps its value through the encoder.
    private static func decodeAnything(_ type: UInt16, _ payload: ArraySlice<UInt8>) throws {
        let header = FrameHeader(
            length: UInt32(FrameHeader.size + payload.count), type: type, descriptorCount: 0, requestID: 1)
        let message: Message
        do throws(ArtifactError) {
            message = try Message.decode(header, payload: payload)
        } catch {
            // `#require` and not `#expect`: recording a hundred thousand passes takes longer than the decoding.
            guard refusals.contains(error.code) else { throw error }
            return
        }
        guard try decodeFrame(message.frame(requestID: 1)).1 == message else {
            throw VectorProblem("\(message) changed on its way through the encoder")
        }
    }

    /// The frame of a message with these bytes behind its fields.
    private static func appending(_ field: [UInt8], to message: Message) throws -> [UInt8] {
        var bytes = try message.frame(requestID: 1) + field
        let length = UInt32(bytes.count)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        return bytes
    }
}
