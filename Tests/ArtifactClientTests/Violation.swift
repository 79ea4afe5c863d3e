import ArtifactModel
import ArtifactWire
import LinuxSystem
import ScriptedDaemon

/// What a daemon must never send, each in answer to a `put`.
enum Violation: CaseIterable {
    case frameOfFourGibibytes
    case frameShorterThanItsHeader
    case unknownFlag
    case unknownType
    case payloadOfNoFields
    case answerToNoRequest
    case answerOfAnotherKind
    case request
    case descriptorThatIsNotAnnounced
    case descriptorThatIsMissing
    case descriptorWithAWrongAnswer
    case twoDescriptors

    /// The code that the client reports.
    var code: String {
        switch self {
        case .frameOfFourGibibytes: "frame_too_large"
        case .unknownType: "unsupported_message"
        default: "malformed_frame"
        }
    }

    func commit(_ peer: Peer, answering request: Peer.Request) throws {
        let file = try System.makeMemoryFile(name: "stray")
        switch self {
        case .frameOfFourGibibytes: try peer.write(Self.header(length: .max, request.id))
        case .frameShorterThanItsHeader: try peer.write(Self.header(length: 15, request.id))
        case .unknownFlag: try peer.write(Self.header(length: 16, flags: 1, request.id))
        case .unknownType: try peer.write(Self.header(length: 16, type: 0x8099, request.id))
        case .payloadOfNoFields: try peer.write(Self.header(length: 17, request.id) + [0])
        case .answerToNoRequest: try peer.send(.deleted, requestID: request.id + 1)
        case .answerOfAnotherKind: try peer.answer(request, .deleted)
        case .request: try peer.answer(request, .status)
        case .descriptorThatIsNotAnnounced:
            try peer.write(try Message.deleted.frame(requestID: request.id), descriptors: [file.number])
        case .descriptorThatIsMissing:
            try peer.write(try Message.spoolOpened(SpoolOpened(spool: 1)).frame(requestID: request.id, descriptorCount: 1))
        case .descriptorWithAWrongAnswer: try peer.answer(request, .deleted, descriptors: [file.number])
        case .twoDescriptors:
            try peer.answer(request, .spoolOpened(SpoolOpened(spool: 1)), descriptors: [file.number, file.number])
        }
    }

    private static func header(length: UInt32, type: UInt16 = 0x8010, flags: UInt8 = 0, _ requestID: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: length.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: type.littleEndian) { bytes += $0 }
        bytes += [flags, 0]
        withUnsafeBytes(of: requestID.littleEndian) { bytes += $0 }
        return bytes
    }
}
