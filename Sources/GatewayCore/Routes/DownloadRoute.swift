import ArtifactClient
import ArtifactModel
import ArtifactWire
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix

/// `GET /api/v1/experiments/runs/{run_id}/artifacts/{path}`: the artifact's bytes, decoded, or as they lie in the store for a client
/// that decodes itself.
///
/// The object is read ahead by one piece, so that a download holds two pieces on disk and next to nothing in memory.
struct DownloadRoute: Sendable {
    let daemon: DaemonPool
    let threads: NIOThreadPool
    let admission: Admission
    let metrics: GatewayMetrics
    /// Where nameless files lie.
    let directory: String
    let log: Logger

    func respond(
        to request: Request, _ requestID: String, run: String, path: String, tenant: String?, channel: any Channel
    ) async throws -> Response {
        _ = try Query(request.uri.query, allowing: [])
        let artifact = try await artifact(path, of: run, for: tenant)
        let object = ObjectReader(uri: artifact.uri, tenant: tenant, daemon: daemon, threads: threads, directory: directory)
        let facts = try await object.facts()
        let representation = try Self.representation(of: artifact, facts, for: request)
        var headers = Self.headers(of: artifact, representation)
        if let known = request.headers[.ifNoneMatch], representation.isKnown(to: known) {
            return Response(status: .notModified, headers: headers)
        }
        var range = ByteRange.whole
        // A range is GET's alone (RFC 9110, section 14.2).
        if request.method == .get, representation.mayBeTakenInPart(if: request.headers[.ifRange]) {
            range = ByteRange(request.headers[.range], size: facts.size)
        }
        if range == .unsatisfiable {
            var error = APIError(.rangeNotSatisfiable, "the artifact has \(facts.size) bytes")
            error.headers[.contentRange] = "bytes */\(facts.size)"
            throw error
        }
        if request.method == .head {
            // No body, but what GET would say of it.
            if let size = representation.size { headers[.contentLength] = "\(size)" }
            return Response(status: .ok, headers: headers, body: ResponseBody(contentLength: nil) { try await $0.finish(nil) })
        }
        return try await send(object, facts, representation, range, headers, requestID, over: channel)
    }

    /// The form that the client takes.
    private static func representation(
        of artifact: ArtifactRecord, _ facts: ObjectReader.Facts, for request: Request
    ) throws(APIError) -> Representation {
        guard let form = AcceptEncoding(request.headers[.acceptEncoding]).form(of: facts.encoding) else {
            let stored = facts.encoding == .identity ? "" : " or \(facts.encoding)"
            var error = APIError(
                .notAcceptable, "the artifact can be had as identity\(stored), and Accept-Encoding excludes that")
            error.headers[.vary] = acceptEncoding
            throw error
        }
        return Representation(of: artifact, facts, as: form)
    }

    private static let acceptEncoding = "Accept-Encoding"

    private static func headers(of artifact: ArtifactRecord, _ representation: Representation) -> HTTPFields {
        let name = artifact.path.split(separator: "/").last.map(String.init) ?? artifact.path
        var headers: HTTPFields = [
            .contentType: artifact.contentType.isEmpty ? "application/octet-stream" : artifact.contentType,
            .artifactURI: PercentCoding.uri(artifact.uri), .contentTypeOptions: "nosniff", .cacheControl: "no-cache",
            // Whatever it is, it is not to be run in this origin's name.
            .contentDisposition: "attachment; filename*=UTF-8''\(PercentCoding.encode(name))", .vary: acceptEncoding,
            .acceptRanges: representation.takesRanges ? "bytes" : "none",
        ]
        if representation.encoding != .identity { headers[.contentEncoding] = "\(representation.encoding)" }
        headers[.eTag] = representation.tag
        return headers
    }

    /// The artifact at exactly this path.
    private func artifact(_ path: String, of run: String, for tenant: String?) async throws -> ArtifactRecord {
        _ = try await RegistryRoutes.run(run, daemon, for: tenant)
        let request = ListArtifacts(runID: run, path: path, limit: 1)
        guard case .artifacts(let page) = try await daemon.ask(.listArtifacts(request), for: tenant) else {
            throw ClientError.confused
        }
        guard let artifact = page.artifacts.first, artifact.path.utf8.elementsEqual(path.utf8) else {
            if let incomplete = page.incomplete { throw APIError(incomplete) }
            throw APIError(.notFound, "run '\(run)' has no artifact '\(path.escapedForLog)'")
        }
        switch artifact.state {
        case .stored: return artifact
        case .accepted, .uploading:
            throw APIError(.unavailable, "the artifact is on its way to the store; try again", retryAfter: 1)
        case .failed, .cancelled:
            throw APIError(
                unstored: artifact.error ?? ArtifactError(.cancelled, "the job was cancelled"), uri: artifact.uri,
                job: artifact.job)
        }
    }

    private func send(
        _ object: ObjectReader, _ facts: ObjectReader.Facts, _ representation: Representation, _ range: ByteRange,
        _ headers: HTTPFields, _ requestID: String, over channel: any Channel
    ) async throws -> Response {
        let place = try admission.enter()
        var headers = headers
        var (status, wanted, size, checksum) = (
            HTTPResponse.Status.ok, 0..<facts.size, representation.size, representation.checksum
        )
        if case .part(let part) = range {
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(facts.size)"
            // No checksum is known of a part.
            (status, wanted, size, checksum) = (.partialContent, part, UInt64(part.count), nil)
        }
        let decoder = try OutgoingDecoder(undoing: representation.undone, size: size, checksum: checksum)
        // As long as nothing has been said, a refusal can still be.
        let bytes = try await OutgoingBytes(of: object, facts, wanted, through: decoder)
        let body = ResponseBody(contentLength: size.map { Int(clamping: $0) }) { [metrics, log] writer in
            // Held by the answer, whether it is ever sent or not.
            withExtendedLifetime(place) {}
            var bytes = bytes
            func next() async throws -> ByteBuffer? {
                do { return try await bytes.next() } catch {
                    // All that the client sees of it is that the connection breaks.
                    log.warning(
                        "a download breaks off",
                        metadata: ["object": "\(object.uri)", "error": "\(error)", "request_id": "\(requestID)"])
                    throw error
                }
            }
            while let run = try await next() {
                metrics.sent(run.readableBytes)
                try await writer.write(run)
                // The writer holds us up only while the channel says that it is full, and what was written just now counts only when
                // its thread has come to it: else a fast disk fills the memory while that thread is busy.
                try await channel.eventLoop.submit {}.get()
            }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }
}
