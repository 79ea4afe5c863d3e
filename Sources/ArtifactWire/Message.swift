public import ArtifactModel

/// What is written as fields: the content of a message, or a record nested in one.
protocol FieldRecord: Sendable, Equatable {
    func encode(into fields: inout FieldWriter)
    init(from fields: inout Fields) throws(ArtifactError)
}

/// The content of a message of one type.
protocol FramePayload: FieldRecord {
    static var type: MessageType { get }
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
    case createExperiment(CreateExperiment)
    case experimentCreated(Experiment)
    case getExperiment(GetExperiment)
    case experiment(Experiment)
    case listExperiments(ListExperiments)
    case experiments(Experiments)
    case updateExperiment(UpdateExperiment)
    case experimentUpdated(Experiment)
    case startRun(StartRun)
    case runStarted(Run)
    case getRun(GetRun)
    case run(Run)
    case listRuns(ListRuns)
    case runs(Runs)
    case endRun(EndRun)
    case runEnded(Run)
    case commit(Commit)
    case committing
    case waitCommit(WaitCommit)
    case commitWaited(CommitWaited)
    case listArtifacts(ListArtifacts)
    case artifacts(Artifacts)
    case deleteArtifacts(DeleteArtifacts)
    case artifactsDeleted(ArtifactsDeleted)
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
        case .createExperiment: .createExperiment(try CreateExperiment(from: &fields))
        case .experimentCreated: .experimentCreated(try ExperimentAnswer(from: &fields).experiment)
        case .getExperiment: .getExperiment(try GetExperiment(from: &fields))
        case .experiment: .experiment(try ExperimentAnswer(from: &fields).experiment)
        case .listExperiments: .listExperiments(try ListExperiments(from: &fields))
        case .experiments: .experiments(try Experiments(from: &fields))
        case .updateExperiment: .updateExperiment(try UpdateExperiment(from: &fields))
        case .experimentUpdated: .experimentUpdated(try ExperimentAnswer(from: &fields).experiment)
        case .startRun: .startRun(try StartRun(from: &fields))
        case .runStarted: .runStarted(try RunAnswer(from: &fields).run)
        case .getRun: .getRun(try GetRun(from: &fields))
        case .run: .run(try RunAnswer(from: &fields).run)
        case .listRuns: .listRuns(try ListRuns(from: &fields))
        case .runs: .runs(try Runs(from: &fields))
        case .endRun: .endRun(try EndRun(from: &fields))
        case .runEnded: .runEnded(try RunAnswer(from: &fields).run)
        case .commit: .commit(try Commit(from: &fields))
        case .committing: .committing
        case .waitCommit: .waitCommit(try WaitCommit(from: &fields))
        case .commitWaited: .commitWaited(try CommitWaited(from: &fields))
        case .listArtifacts: .listArtifacts(try ListArtifacts(from: &fields))
        case .artifacts: .artifacts(try Artifacts(from: &fields))
        case .deleteArtifacts: .deleteArtifacts(try DeleteArtifacts(from: &fields))
        case .artifactsDeleted: .artifactsDeleted(try ArtifactsDeleted(from: &fields))
        case .error: .error(try ErrorMessage(from: &fields))
        }
    }

    /// What kind of message it is.
    public var type: MessageType {
        switch self {
        case .spoolDiscarded: .spoolDiscarded
        case .status: .status
        case .deleted: .deleted
        case .experimentCreated: .experimentCreated
        case .experiment: .experiment
        case .experimentUpdated: .experimentUpdated
        case .runStarted: .runStarted
        case .run: .run
        case .runEnded: .runEnded
        case .committing: .committing
        default: (payload as? any FramePayload).map { Swift.type(of: $0).type } ?? .error
        }
    }

    /// What the message carries; nil for one without fields.
    private var payload: (any FieldRecord)? {
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
        case .createExperiment(let payload): payload
        case .getExperiment(let payload): payload
        case .listExperiments(let payload): payload
        case .experiments(let payload): payload
        case .updateExperiment(let payload): payload
        case .startRun(let payload): payload
        case .getRun(let payload): payload
        case .listRuns(let payload): payload
        case .runs(let payload): payload
        case .endRun(let payload): payload
        case .commit(let payload): payload
        case .waitCommit(let payload): payload
        case .commitWaited(let payload): payload
        case .listArtifacts(let payload): payload
        case .artifacts(let payload): payload
        case .deleteArtifacts(let payload): payload
        case .artifactsDeleted(let payload): payload
        case .experimentCreated(let experiment), .experiment(let experiment), .experimentUpdated(let experiment):
            ExperimentAnswer(experiment: experiment)
        case .runStarted(let run), .run(let run), .runEnded(let run): RunAnswer(run: run)
        case .error(let payload): payload
        case .spoolDiscarded, .status, .deleted, .committing: nil
        }
    }
}
