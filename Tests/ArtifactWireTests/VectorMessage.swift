import ArtifactModel
import ArtifactWire

extension GoodVector {
    /// The message that the vector's `fields` describe, built without the decoder.
    func message() throws -> Message {
        var content = try VectorFields(fields)
        let message = try Self.message(type, &content)
        try content.finish()
        return message
    }

    private static func message(_ type: String, _ fields: inout VectorFields) throws -> Message {
        switch type {
        case "HELLO": .hello(try hello(&fields))
        case "WELCOME": .welcome(try welcome(&fields))
        case "PUT": .put(try put(&fields))
        case "ACCEPTED": .accepted(try accepted(&fields))
        case "OPEN_SPOOL": .openSpool(OpenSpool(sizeHint: try fields.required(fields.unsigned("size_hint"), "size_hint")))
        case "SPOOL_OPENED": .spoolOpened(SpoolOpened(spool: try fields.required(fields.unsigned("spool"), "spool")))
        case "DISCARD_SPOOL": .discardSpool(DiscardSpool(spool: try fields.required(fields.unsigned("spool"), "spool")))
        case "SPOOL_DISCARDED": .spoolDiscarded
        case "WAIT":
            .wait(
                Wait(
                    ids: try fields.jobIDs("id"),
                    level: try fields.required(fields.choice("level", AcknowledgementLevel.self), "level"),
                    timeout: try fields.unsigned("timeout")))
        case "WAITED":
            .waited(
                Waited(
                    pending: try fields.required(fields.unsigned("pending"), "pending"),
                    failed: try fields.required(fields.unsigned("failed"), "failed")))
        case "LIST_JOBS":
            .listJobs(
                ListJobs(
                    ids: try fields.jobIDs("id"), states: try fields.choices("state", JobState.self),
                    after: try fields.integer("after", as: Int64.self),
                    limit: try fields.required(fields.integer("limit", as: UInt32.self), "limit")))
        case "JOBS":
            .jobs(Jobs(records: try fields.nested("record").map(record), next: try fields.integer("next", as: Int64.self)))
        case "CANCEL": .cancel(Cancel(id: try fields.required(fields.jobID("id"), "id")))
        case "CANCELLED": .cancelled(Cancelled(state: try fields.required(fields.choice("state", JobState.self), "state")))
        case "RETRY": .retry(Retry(ids: try fields.jobIDs("id")))
        case "RETRIED":
            .retried(
                Retried(
                    count: try fields.required(fields.unsigned("count"), "count"),
                    refusals: try fields.nested("refusal").map { nested in
                        var nested = nested
                        return try error(&nested)
                    }))
        case "STATUS": .status
        case "STATUS_REPORT": .statusReport(StatusText(json: try fields.required(fields.text("json"), "json")))
        case "LIST_OBJECTS":
            .listObjects(
                ListObjects(
                    prefix: try fields.required(fields.text("prefix"), "prefix"), after: try fields.text("after"),
                    limit: try fields.required(fields.integer("limit", as: UInt32.self), "limit")))
        case "OBJECTS": .objects(Objects(entries: try fields.nested("entry").map(entry), next: try fields.text("next")))
        case "GET":
            .get(
                Get(
                    uri: try fields.required(fields.text("uri"), "uri"), offset: try fields.unsigned("offset"),
                    length: try fields.unsigned("length"), isRaw: try fields.required(fields.bool("raw"), "raw")))
        case "GOT":
            .got(
                Got(
                    size: try fields.required(fields.unsigned("size"), "size"),
                    encoding: try fields.required(fields.choice("encoding", ContentEncoding.self), "encoding"),
                    contentType: try fields.required(fields.text("content_type"), "content_type"),
                    totalSize: try fields.unsigned("total_size"), etag: try fields.text("etag")))
        case "DELETE": .delete(Delete(uri: try fields.required(fields.text("uri"), "uri")))
        case "DELETED": .deleted
        case "ERROR": .error(try error(&fields))
        default: try registryMessage(type, &fields)
        }
    }

    private static func hello(_ fields: inout VectorFields) throws -> Hello {
        let lowest = try fields.required(fields.integer("lowest_version", as: UInt16.self), "lowest_version")
        let highest = try fields.required(fields.integer("highest_version", as: UInt16.self), "highest_version")
        return Hello(
            versions: lowest...highest,
            features: Features(rawValue: try fields.required(fields.unsigned("features"), "features")),
            client: try fields.required(fields.text("client"), "client"), tenant: try fields.text("tenant"))
    }

    private static func welcome(_ fields: inout VectorFields) throws -> Welcome {
        Welcome(
            version: try fields.required(fields.integer("version", as: UInt16.self), "version"),
            features: Features(rawValue: try fields.required(fields.unsigned("features"), "features")),
            server: try fields.required(fields.text("server"), "server"),
            pid: try fields.required(fields.integer("pid", as: UInt32.self), "pid"),
            tenant: try fields.required(fields.text("tenant"), "tenant"),
            store: try fields.required(fields.text("store"), "store"),
            inlineLimit: try fields.required(fields.unsigned("inline_limit"), "inline_limit"),
            requestLimit: try fields.required(fields.integer("request_limit", as: UInt32.self), "request_limit"))
    }

    private static func put(_ fields: inout VectorFields) throws -> Put {
        let source: Put.Source =
            if let bytes = try fields.bytes("inline") {
                .inline(bytes)
            } else if let path = try fields.text("path") {
                .path(path)
            } else if let spool = try fields.unsigned("spool") {
                .spool(spool)
            } else {
                .descriptor
            }
        let target: Put.Target =
            if let destination = try fields.text("destination") {
                .destination(destination)
            } else {
                .artifact(
                    ArtifactPlace(
                        runID: try fields.required(fields.text("run_id"), "run_id"),
                        path: try fields.required(fields.text("artifact_path"), "artifact_path"),
                        member: try groupMember(&fields)))
            }
        return Put(
            target: target, source: source,
            label: try fields.text("label") ?? "", compression: try fields.choice("compression", Compression.self),
            level: try fields.required(fields.choice("level", AcknowledgementLevel.self), "level"),
            idempotencyKey: try fields.bytes("idempotency_key"), contentType: try fields.text("content_type"),
            changePolicy: try fields.choice("change_policy", ChangePolicy.self))
    }

    private static func accepted(_ fields: inout VectorFields) throws -> Accepted {
        Accepted(
            id: try fields.required(fields.jobID("id"), "id"),
            level: try fields.required(fields.choice("level", AcknowledgementLevel.self), "level"),
            pin: try fields.required(fields.choice("pin", Pin.self), "pin"),
            size: try fields.required(fields.unsigned("size"), "size"),
            isDuplicate: try fields.required(fields.bool("duplicate"), "duplicate"),
            destination: try fields.required(fields.text("destination"), "destination"))
    }

    private static func record(_ value: VectorFields) throws -> JobRecord {
        var fields = value
        let record = JobRecord(
            id: try fields.required(fields.jobID("id"), "id"),
            sequence: try fields.required(fields.integer("sequence", as: Int64.self), "sequence"),
            uid: try fields.required(fields.integer("uid", as: UInt32.self), "uid"),
            tenant: try fields.required(fields.text("tenant"), "tenant"),
            destination: try fields.required(fields.text("destination"), "destination"),
            label: try fields.required(fields.text("label"), "label"),
            size: try fields.required(fields.unsigned("size"), "size"),
            state: try fields.required(fields.choice("state", JobState.self), "state"),
            level: try fields.required(fields.choice("level", AcknowledgementLevel.self), "level"),
            pin: try fields.required(fields.choice("pin", Pin.self), "pin"),
            compression: try fields.required(fields.choice("compression", Compression.self), "compression"),
            encoding: try fields.choice("encoding", ContentEncoding.self),
            kind: try fields.required(fields.choice("kind", ArtifactKind.self), "kind"),
            contentType: try fields.required(fields.text("content_type"), "content_type"),
            acceptedAt: try fields.required(fields.integer("accepted_at", as: Int64.self), "accepted_at"),
            updatedAt: try fields.required(fields.integer("updated_at", as: Int64.self), "updated_at"),
            attempts: try fields.required(fields.integer("attempts", as: UInt32.self), "attempts"),
            bytesDone: try fields.required(fields.unsigned("bytes_done"), "bytes_done"),
            storedSize: try fields.unsigned("stored_size"), etag: try fields.text("etag"),
            checksum: try fields.text("checksum"),
            error: try errorIfPresent("error", &fields))
        try fields.finish()
        return record
    }

    private static func entry(_ value: VectorFields) throws -> Objects.Entry {
        var fields = value
        let entry = Objects.Entry(
            uri: try fields.required(fields.text("uri"), "uri"), size: try fields.required(fields.unsigned("size"), "size"),
            modifiedAt: try fields.required(fields.integer("modified_at", as: Int64.self), "modified_at"),
            etag: try fields.required(fields.text("etag"), "etag"))
        try fields.finish()
        return entry
    }

    static func errorIfPresent(_ name: String, _ fields: inout VectorFields) throws -> ArtifactError? {
        guard var nested = try fields.nestedIfPresent(name) else { return nil }
        return try error(&nested).error
    }

    private static func error(_ fields: inout VectorFields) throws -> ErrorMessage {
        let (known, number) = try fields.errorCode("code")
        let message = try fields.required(fields.text("message"), "message")
        let error = ErrorMessage(
            ArtifactError(
                known ?? .internalFault, known == nil ? "error \(number): \(message)" : message,
                cause: try fields.text("cause"), retryAfterMilliseconds: try fields.unsigned("retry_after")))
        try fields.finish()
        return error
    }
}
