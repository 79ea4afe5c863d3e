public import ArtifactModel

/// A message that can stand in a frame.
protocol FramePayload: Sendable, Equatable {
    static var type: MessageType { get }
    func encode(into fields: inout FieldWriter)
    init(from fields: inout Fields) throws(ArtifactError)
}

/// Everything that either side can say.
public enum Message: Sendable, Equatable {
    case hello(Hello)
    case welcome(Welcome)
    case put(Put)
    case accepted(Accepted)
    case openSpool(OpenSpool)
    case spoolOpened(SpoolOpened)
    case discardSpool(DiscardSpool)
    case spoolDiscarded
    case wait(Wait)
    case waited(Waited)
    case listJobs(ListJobs)
    case jobs(Jobs)
    case cancel(Cancel)
    case cancelled(Cancelled)
    case retry(Retry)
    case retried(Retried)
    case status
    case statusReport(StatusText)
    case listObjects(ListObjects)
    case objects(Objects)
    case get(Get)
    case got(Got)
    case delete(Delete)
    case deleted
    case error(ErrorMessage)

    /// The message as a whole frame.
    /// - Parameter descriptorCount: how many descriptors travel with it.
    /// - Throws: `frameTooLarge` when it does not fit into one.
    public func frame(requestID: UInt64, descriptorCount: UInt8 = 0) throws(ArtifactError) -> [UInt8] {
        var writer = FieldWriter()
        writer.bytes.reserveCapacity(256)
        writer.bytes.append(contentsOf: repeatElement(0, count: FrameHeader.size))
        let payload = self.payload
        payload?.encode(into: &writer)
        guard let length = UInt32(exactly: writer.bytes.count), length <= FrameHeader.maximumFrameLength else {
            throw ArtifactError(
                .frameTooLarge,
                "a \(type) message of \(writer.bytes.count) bytes does not fit into a frame of "
                    + "\(FrameHeader.maximumFrameLength); send larger payloads as a descriptor")
        }
        var head: [UInt8] = []
        FrameHeader(length: length, type: type.rawValue, descriptorCount: descriptorCount, requestID: requestID).encode(
            into: &head)
        writer.bytes.replaceSubrange(0..<FrameHeader.size, with: head)
        return writer.bytes
    }

    /// The message of a frame whose header has been decoded.
    /// - Parameter payload: what follows the header, all of it.
    /// - Throws: `malformedFrame` when the bytes are no fields (the connection must then end); `unsupportedMessage` for a type or
    ///   a critical field that is not known, `invalidRequest` for a field that is missing or out of range (the request is refused,
    ///   the connection goes on).
    public static func decode(_ header: FrameHeader, payload: ArraySlice<UInt8>) throws(ArtifactError) -> Message {
        guard let type = MessageType(rawValue: header.type) else {
            throw ArtifactError(.unsupportedMessage, "message type \(header.type) is not known here")
        }
        var fields = try Fields(payload, of: "\(type)")
        let message = try decode(type, &fields)
        try fields.finish()
        return message
    }

    private static func decode(_ type: MessageType, _ fields: inout Fields) throws(ArtifactError) -> Message {
        switch type {
        case .hello: .hello(try Hello(from: &fields))
        case .welcome: .welcome(try Welcome(from: &fields))
        case .put: .put(try Put(from: &fields))
        case .accepted: .accepted(try Accepted(from: &fields))
        case .openSpool: .openSpool(try OpenSpool(from: &fields))
        case .spoolOpened: .spoolOpened(try SpoolOpened(from: &fields))
        case .discardSpool: .discardSpool(try DiscardSpool(from: &fields))
        case .spoolDiscarded: .spoolDiscarded
        case .wait: .wait(try Wait(from: &fields))
        case .waited: .waited(try Waited(from: &fields))
        case .listJobs: .listJobs(try ListJobs(from: &fields))
        case .jobs: .jobs(try Jobs(from: &fields))
        case .cancel: .cancel(try Cancel(from: &fields))
        case .cancelled: .cancelled(try Cancelled(from: &fields))
        case .retry: .retry(try Retry(from: &fields))
        case .retried: .retried(try Retried(from: &fields))
        case .status: .status
        case .statusReport: .statusReport(try StatusText(from: &fields))
        case .listObjects: .listObjects(try ListObjects(from: &fields))
        case .objects: .objects(try Objects(from: &fields))
        case .get: .get(try Get(from: &fields))
        case .got: .got(try Got(from: &fields))
        case .delete: .delete(try Delete(from: &fields))
        case .deleted: .deleted
        case .error: .error(try ErrorMessage(from: &fields))
        }
    }

    /// What kind of message it is.
    public var type: MessageType {
        switch self {
        case .spoolDiscarded: .spoolDiscarded
        case .status: .status
        case .deleted: .deleted
        default: payload.map { Swift.type(of: $0).type } ?? .error
        }
    }

    /// What the message carries; nil for one without fields.
    private var payload: (any FramePayload)? {
        switch self {
        case .hello(let payload): payload
        case .welcome(let payload): payload
        case .put(let payload): payload
        case .accepted(let payload): payload
        case .openSpool(let payload): payload
        case .spoolOpened(let payload): payload
        case .discardSpool(let payload): payload
        case .wait(let payload): payload
        case .waited(let payload): payload
        case .listJobs(let payload): payload
        case .jobs(let payload): payload
        case .cancel(let payload): payload
        case .cancelled(let payload): payload
        case .retry(let payload): payload
        case .retried(let payload): payload
        case .statusReport(let payload): payload
        case .listObjects(let payload): payload
        case .objects(let payload): payload
        case .get(let payload): payload
        case .got(let payload): payload
        case .delete(let payload): payload
        case .error(let payload): payload
        case .spoolDiscarded, .status, .deleted: nil
        }
    }
}
