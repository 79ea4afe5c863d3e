import ArtifactClient
import ArtifactModel
import ArtifactWire
import HTTPTypes
import Hummingbird
import MultipartForm
import NIOCore
import NIOPosix
import ServiceLifecycle

/// `POST /api/v1/experiments/runs/{run_id}/log-artifact`: a form with the parts `file` and, if wanted, `artifact_path`, in either order.
struct UploadRoute: Sendable {
    /// The most bytes of a body that are not the file's: boundaries, headers, the path, and what came with them.
    fileprivate static let maximumOverhead: UInt64 = 256 << 10

    /// The longest single question whether something is stored, in milliseconds.
    private static let longestWait: UInt64 = 5000

    let daemon: DaemonPool
    let threads: NIOThreadPool
    let admission: Admission
    let metrics: GatewayMetrics
    /// The largest file, in bytes.
    let limit: UInt64

    func respond(to request: Request, run: String, tenant: String?, channel: any Channel) async throws -> Response {
        let wish = try Wish(request)
        let boundary: FormBoundary
        do throws(FormError) { boundary = try FormBoundary(contentType: request.headers[.contentType] ?? "") } catch {
            throw APIError(.validationFailed, "send multipart/form-data: \(error)")
        }
        let length = request.headers[.contentLength].flatMap { UInt64($0) }
        if let length, length > limit.addingReportingOverflow(Self.maximumOverhead).partialValue { throw Self.tooLarge(limit) }
        let place = try admission.enter()
        defer { withExtendedLifetime(place) {} }
        // Before gigabytes are taken: whether there is a run for them.
        let target = try await RegistryRoutes.run(run, daemon, for: tenant)
        if target.status != .running, wish.idempotencyKey == nil {
            throw APIError(.conflict, "run '\(run)' has ended (\(target.status)); start another one")
        }
        return try await daemon.withLink(for: tenant) { link in
            try await request.sendContinue(over: channel)
            var form = Form(
                file: IncomingFile(link: link, expected: min(length ?? 0, limit), threads: threads),
                parser: FormParser(boundary: boundary), limit: limit, metrics: metrics)
            do {
                for try await chunk in request.body { try await form.read(chunk) }
                let upload = try form.finish()
                let accepted: Accepted
                do {
                    accepted = try await form.file.commit { source in
                        Put(
                            target: .artifact(ArtifactPlace(runID: run, path: upload.path)), source: source, label: upload.name,
                            level: .durable, idempotencyKey: wish.idempotencyKey, contentType: upload.contentType)
                    }
                } catch ClientError.failure(let error) where error.code == .storeRejected {
                    throw try await Self.refusal(of: upload, run, error, link)
                }
                guard wish.waitsForStored else { return Self.answer(accepted, upload, run, isLate: false) }
                let isStored = try await Self.wait(for: accepted, wish.timeout, link)
                return Self.answer(accepted, upload, run, isLate: !isStored)
            } catch {
                await form.file.discard()
                throw error
            }
        }
    }

    fileprivate static func tooLarge(_ limit: UInt64) -> APIError {
        APIError(.tooLarge, "a file of more than \(limit) bytes is not taken; an administrator can change 'max_body'")
    }

    /// Waits until the artifact is in the store; false where the time is up before, or the gateway is to stop.
    private static func wait(for accepted: Accepted, _ timeout: UInt64, _ link: DaemonLink) async throws -> Bool {
        let job = accepted.id
        var remaining = timeout
        var waited: Waited
        repeat {
            // A question to the daemon cannot be taken back: short ones let the gateway stop in time.
            let slice = min(remaining, longestWait)
            let answer = try await link.call(.wait(Wait(ids: [job], level: .stored, timeout: slice))).message
            guard case .waited(let outcome) = answer else { throw ClientError.confused }
            waited = outcome
            remaining -= slice
        } while waited.pending > 0 && remaining > 0 && !Task.isCancelled && !Task.isShuttingDownGracefully
        guard waited.failed > 0 else { return waited.pending == 0 }
        guard case .jobs(let jobs) = try await link.call(.listJobs(ListJobs(ids: [job], limit: 1))).message else {
            throw ClientError.confused
        }
        throw APIError(
            unstored: jobs.records.first?.error ?? ArtifactError(.cancelled, "the job was cancelled"), uri: accepted.destination,
            job: job)
    }

    /// What became of an earlier upload under the same key, which the store has refused.
    private static func refusal(
        of upload: Upload, _ run: String, _ error: ArtifactError, _ link: DaemonLink
    ) async throws -> APIError {
        let request = ListArtifacts(runID: run, path: upload.path, limit: 1)
        guard case .artifacts(let page) = try await link.call(.listArtifacts(request)).message else { throw ClientError.confused }
        guard let artifact = page.artifacts.first else { return APIError(error) }
        return APIError(unstored: error, uri: artifact.uri, job: artifact.job)
    }

    private static func answer(_ accepted: Accepted, _ upload: Upload, _ run: String, isLate: Bool) -> Response {
        var headers: HTTPFields = [
            .jobID: accepted.id.description, .artifactURI: PercentCoding.uri(accepted.destination),
            .location: "/api/v1/experiments/runs/\(PercentCoding.encode(run))/artifacts/\(PercentCoding.encodePath(upload.path))",
        ]
        if accepted.isDuplicate { headers[.idempotentReplay] = "true" }
        return Reply.json(
            [
                "message": isLate ? "Artifact logged, not stored yet" : "Artifact logged", "run_id": .string(run),
                "artifact": .string(upload.path),
            ], status: isLate ? .accepted : .created, headers: headers)
    }
}

/// What an upload's query and headers say.
private struct Wish: Sendable {
    var waitsForStored: Bool
    /// How long to wait for that, in milliseconds.
    var timeout: UInt64
    var idempotencyKey: [UInt8]?

    init(_ request: Request) throws(APIError) {
        let query = try Query(request.uri.query, allowing: ["wait", "timeout"])
        switch query.text("wait") {
        case nil, "durable": waitsForStored = false
        case "stored": waitsForStored = true
        default: throw APIError(.validationFailed, "wait is one of durable, stored")
        }
        timeout = try query.number("timeout", 0...86_400, else: 300) * 1000
        guard let key = request.headers[.idempotencyKey] else { return }
        guard (1...Put.maximumIdempotencyKey).contains(key.utf8.count) else {
            throw APIError(.validationFailed, "X-Idempotency-Key has 1 to \(Put.maximumIdempotencyKey) bytes")
        }
        idempotencyKey = Array(key.utf8)
    }
}

/// What a form turned out to be.
private struct Upload: Sendable {
    /// Relative to the run.
    var path: String
    /// The file's own name.
    var name: String
    /// Nil to tell it from the name.
    var contentType: String?
}

/// A form of the route, as it is read.
private struct Form {
    private enum Part { case file, directory }

    let file: IncomingFile
    private var parser: FormParser
    private let limit: UInt64
    private let metrics: GatewayMetrics
    private var part: Part?
    private var head: FormPart?
    private var directory: [UInt8]?
    private var bodySize: UInt64 = 0

    init(file: IncomingFile, parser: FormParser, limit: UInt64, metrics: GatewayMetrics) {
        self.file = file
        self.parser = parser
        self.limit = limit
        self.metrics = metrics
    }

    /// Takes bytes of the body, and returns when there is room for more.
    mutating func read(_ chunk: ByteBuffer) async throws {
        metrics.received(chunk.readableBytes)
        bodySize += UInt64(chunk.readableBytes)
        // What is no file is bounded too, and so is what comes behind the form.
        guard bodySize - file.size <= UploadRoute.maximumOverhead else {
            throw APIError(.tooLarge, "the body has more than \(UploadRoute.maximumOverhead) bytes besides the file")
        }
        var offset = 0
        while let event = try next(chunk, &offset) {
            switch event {
            case .part(let head): try begin(head)
            case .data(let range):
                guard let bytes = chunk.getSlice(at: chunk.readerIndex + range.lowerBound, length: range.count) else { break }
                try await take(bytes)
            case .withheld(let range): try await take(ByteBuffer(bytes: parser.delimiter[range]))
            case .partEnd: part = nil
            case .end: break
            }
        }
    }

    private mutating func next(_ chunk: ByteBuffer, _ offset: inout Int) throws(APIError) -> FormParser.Event? {
        do throws(FormError) {
            return try parser.next(in: chunk.readableBytesUInt8Span, at: &offset)
        } catch {
            throw APIError(.validationFailed, "the form cannot be read: \(error)")
        }
    }

    private mutating func begin(_ head: FormPart) throws(APIError) {
        switch head.name {
        case "file":
            guard self.head == nil else {
                throw APIError(.validationFailed, "the form has two parts 'file'; send one form a file")
            }
            guard head.baseName != nil else {
                throw APIError(.validationFailed, "the part 'file' has no file name; send filename=\"NAME\" with it")
            }
            self.head = head
            part = .file
        case "artifact_path":
            guard directory == nil else { throw APIError(.validationFailed, "the form has two parts 'artifact_path'") }
            directory = []
            part = .directory
        default:
            throw APIError(
                .validationFailed, "the form has a part '\(head.name.escapedForLog)'; known are 'file' and 'artifact_path'")
        }
    }

    private mutating func take(_ bytes: ByteBuffer) async throws {
        switch part {
        case .file:
            try await file.append(bytes)
            guard file.size <= limit else { throw UploadRoute.tooLarge(limit) }
        case .directory:
            directory?.append(contentsOf: bytes.readableBytesView)
            guard directory?.count ?? 0 <= ObjectKey.maximumBytes else {
                throw APIError(.validationFailed, "artifact_path has more than \(ObjectKey.maximumBytes) bytes")
            }
        case nil: break
        }
    }

    /// What the form says, now that it is complete.
    func finish() throws(APIError) -> Upload {
        do throws(FormError) { try parser.finish() } catch {
            throw APIError(.validationFailed, "the form cannot be read: \(error)")
        }
        guard let head, let name = head.baseName else {
            throw APIError(.validationFailed, "the form has no part 'file'")
        }
        guard var path = String(validating: directory ?? [], as: UTF8.self) else {
            throw APIError(.validationFailed, "artifact_path is not UTF-8")
        }
        while path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        path = path.isEmpty ? name : "\(path)/\(name)"
        do throws(ArtifactError) { _ = try ObjectKey(path) } catch { throw APIError(error) }
        return Upload(path: path, name: name, contentType: try Self.contentType(head))
    }

    /// What the sender says of the content, unless that is only that it is some: then the name tells more.
    private static func contentType(_ head: FormPart) throws(APIError) -> String? {
        guard let type = head.contentType, !type.isEmpty, type.lowercased() != "application/octet-stream" else { return nil }
        guard type.utf8.count <= 255, type.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw APIError(
                .validationFailed, "the content type of the part 'file' has more than 255 bytes, or others than printable ASCII")
        }
        return type
    }
}
