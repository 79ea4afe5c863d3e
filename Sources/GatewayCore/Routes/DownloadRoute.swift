import ArtifactClient
import ArtifactModel
import ArtifactWire
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix

/// `GET /api/v1/experiments/runs/{run_id}/artifacts/{path}`: the artifact's bytes, decoded.
struct DownloadRoute: Sendable {
    let daemon: DaemonPool
    let threads: NIOThreadPool
    let admission: Admission
    let metrics: GatewayMetrics
    /// Where nameless files lie.
    let directory: String

    func respond(to request: Request, run: String, path: String, tenant: String?) async throws -> Response {
        _ = try Query(request.uri.query, allowing: [])
        let artifact = try await artifact(path, of: run, for: tenant)
        var headers: HTTPFields = [
            .contentType: artifact.contentType.isEmpty ? "application/octet-stream" : artifact.contentType,
            .artifactURI: PercentCoding.uri(artifact.uri), .contentTypeOptions: "nosniff", .cacheControl: "no-cache",
            // Whatever it is, it is not to be run in this origin's name.
            .contentDisposition:
                "attachment; filename*=UTF-8''\(PercentCoding.encode(path.split(separator: "/").last.map(String.init) ?? path))",
        ]
        let isPlain = artifact.encoding == .identity
        var range = ByteRange.whole
        // The store's tag is of the object as it lies there: of other bytes where it is encoded.
        let tag = isPlain ? artifact.etag.map(Self.quoted) : nil
        headers[.eTag] = tag
        if let tag, let known = request.headers[.ifNoneMatch], Self.matches(known, tag) {
            return Response(status: .notModified, headers: headers)
        }
        if isPlain, let size = artifact.size {
            headers[.acceptRanges] = "bytes"
            let condition = request.headers[.ifRange]
            if condition == nil || condition == tag { range = ByteRange(request.headers[.range], size: size) }
        }
        if range == .unsatisfiable, let size = artifact.size {
            var error = APIError(.rangeNotSatisfiable, "the artifact has \(size) bytes")
            error.headers[.contentRange] = "bytes */\(size)"
            throw error
        }
        if request.method == .head {
            // No body, but what GET would say of it.
            if let size = artifact.size { headers[.contentLength] = "\(size)" }
            return Response(status: .ok, headers: headers, body: ResponseBody(contentLength: nil) { try await $0.finish(nil) })
        }
        return try await send(artifact, range, headers, for: tenant)
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
            var error = artifact.error.map(APIError.init) ?? APIError(.conflict, "the artifact was given up")
            error.message = "the artifact could not be stored: \(error.message)"
            throw error
        }
    }

    private func send(
        _ artifact: ArtifactRecord, _ range: ByteRange, _ headers: HTTPFields, for tenant: String?
    ) async throws -> Response {
        let place = try admission.enter()
        let file = try await OutgoingFile(in: directory, threads: threads)
        let daemon = daemon
        Task {
            do {
                try await daemon.withLink(for: tenant) { link in await file.fill(from: artifact.uri, over: link) }
            } catch {
                file.fail(error)
            }
        }
        // As long as nothing has been said, a refusal can still be.
        let first = try await file.waitForBytes(behind: 0)
        var headers = headers
        var status = HTTPResponse.Status.ok
        let wanted: Range<UInt64>
        if case .part(let part) = range, let size = artifact.size {
            (status, wanted) = (.partialContent, part)
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
        } else {
            wanted = 0..<(artifact.size ?? first.got?.size ?? .max)
        }
        let length = wanted.upperBound == .max ? nil : Int(clamping: wanted.count)
        let body = ResponseBody(contentLength: length) { [metrics] writer in
            // Held by the answer, whether it is ever sent or not.
            withExtendedLifetime(place) {}
            var offset = wanted.lowerBound
            while offset < wanted.upperBound {
                let (size, got) = try await file.waitForBytes(behind: offset)
                if size <= offset {
                    // The end, where the size was not known; else too few bytes: the client sees the connection break.
                    guard wanted.upperBound == .max else {
                        throw TruncatedObject(expected: wanted.upperBound, size: got?.size ?? size)
                    }
                    break
                }
                let piece = try await file.read(offset..<min(size, wanted.upperBound))
                offset += UInt64(piece.readableBytes)
                metrics.sent(piece.readableBytes)
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }

    private static func quoted(_ tag: String) -> String { tag.hasPrefix("\"") ? tag : "\"\(tag)\"" }

    private static func matches(_ header: String, _ tag: String) -> Bool {
        header == "*" || header.split(separator: ",").contains { $0.filter { $0 != " " }.replacing("W/", with: "") == tag }
    }
}

/// The object turned out to be shorter than it was said to be.
struct TruncatedObject: Error {
    var expected: UInt64
    var size: UInt64
}
