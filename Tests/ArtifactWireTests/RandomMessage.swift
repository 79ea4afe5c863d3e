import ArtifactModel
import ArtifactWire

/// Builds valid messages of random content.
struct RandomMessage {
    var generator: SeededGenerator

    mutating func make(_ type: MessageType) -> Message {
        switch type {
        case .hello: .hello(hello())
        case .welcome: .welcome(welcome())
        case .put: .put(put())
        case .accepted: .accepted(accepted())
        case .openSpool: .openSpool(OpenSpool(sizeHint: number()))
        case .spoolOpened: .spoolOpened(SpoolOpened(spool: number()))
        case .discardSpool: .discardSpool(DiscardSpool(spool: number()))
        case .spoolDiscarded: .spoolDiscarded
        case .wait: .wait(Wait(ids: ids(), level: choice(), timeout: maybe { $0.number() }))
        case .waited: .waited(Waited(pending: number(), failed: number()))
        case .listJobs:
            .listJobs(
                ListJobs(
                    ids: ids(), states: list { $0.choice() }, after: maybe { Int64(bitPattern: $0.number()) },
                    limit: .random(in: 1...ListJobs.maximumLimit, using: &generator)))
        case .jobs: .jobs(Jobs(records: list { $0.record() }, next: maybe { Int64(bitPattern: $0.number()) }))
        case .cancel: .cancel(Cancel(id: id()))
        case .cancelled: .cancelled(Cancelled(state: choice()))
        case .retry: .retry(Retry(ids: ids()))
        case .retried: .retried(Retried(count: number(), refusals: list { ErrorMessage($0.error()) }))
        case .status: .status
        case .statusReport: .statusReport(StatusText(json: text()))
        case .listObjects:
            .listObjects(
                ListObjects(
                    prefix: text(), after: maybe { $0.text() },
                    limit: .random(in: 1...ListObjects.maximumLimit, using: &generator)))
        case .objects: .objects(Objects(entries: list { $0.entry() }, next: maybe { $0.text() }))
        case .get:
            .get(Get(uri: text(), offset: maybe { $0.number() }, length: maybe { $0.number() }, isRaw: flag()))
        case .got:
            .got(
                Got(
                    size: number(), encoding: choice(), contentType: text(), totalSize: maybe { $0.number() },
                    etag: maybe { $0.text() }))
        case .delete: .delete(Delete(uri: text()))
        case .deleted: .deleted
        case .error: .error(ErrorMessage(error()))
        case .createExperiment, .experimentCreated, .getExperiment, .experiment, .listExperiments, .experiments,
            .updateExperiment, .experimentUpdated:
            experimentMessage(type)
        case .startRun, .runStarted, .getRun, .run, .listRuns, .runs, .endRun, .runEnded: runMessage(type)
        case .commit, .committing, .waitCommit, .commitWaited, .listArtifacts, .artifacts, .deleteArtifacts, .artifactsDeleted:
            artifactsMessage(type)
        }
    }

    private mutating func hello() -> Hello {
        let versions = [number16(), number16()].sorted()
        return Hello(
            versions: versions[0]...versions[1], features: Features(rawValue: number()), client: text(),
            tenant: maybe { $0.text() })
    }

    private mutating func welcome() -> Welcome {
        Welcome(
            version: number16(), features: Features(rawValue: number()), server: text(), pid: number32(), tenant: text(),
            store: text(), inlineLimit: number(), requestLimit: number32())
    }

    private mutating func put() -> Put {
        let source: Put.Source =
            switch Int.random(in: 0...3, using: &generator) {
            case 0: .descriptor
            case 1: .inline(generator.bytes(0...300))
            case 2: .path(text())
            default: .spool(number())
            }
        return Put(
            target: flag() ? .destination(text()) : .artifact(place()), source: source, label: text(),
            compression: maybe { $0.choice() }, level: choice(),
            idempotencyKey: maybe { $0.generator.bytes(1...Put.maximumIdempotencyKey) }, contentType: maybe { $0.printable() },
            changePolicy: maybe { $0.choice() })
    }

    private mutating func accepted() -> Accepted {
        Accepted(id: id(), level: choice(), pin: choice(), size: number(), isDuplicate: flag(), destination: text())
    }

    private mutating func record() -> JobRecord {
        JobRecord(
            id: id(), sequence: Int64(bitPattern: number()), uid: number32(), tenant: text(), destination: text(), label: text(),
            size: number(), state: choice(), level: choice(), pin: choice(), compression: choice(),
            encoding: maybe { $0.choice() }, kind: choice(), contentType: text(), acceptedAt: Int64(bitPattern: number()),
            updatedAt: Int64(bitPattern: number()),
            attempts: number32(), bytesDone: number(), storedSize: maybe { $0.number() }, etag: maybe { $0.text() },
            checksum: maybe { $0.text() }, error: maybe { $0.error() })
    }

    private mutating func entry() -> Objects.Entry {
        Objects.Entry(uri: text(), size: number(), modifiedAt: Int64(bitPattern: number()), etag: text())
    }

    mutating func error() -> ArtifactError {
        ArtifactError(choice(), text(), cause: maybe { $0.text() }, retryAfterMilliseconds: maybe { $0.number() })
    }

    private mutating func ids() -> [JobID] { list { $0.id() } }

    mutating func id() -> JobID { JobID(high: generator.next(), low: generator.next()) }

    /// An integer, often one at the edge of its width.
    mutating func number() -> UInt64 {
        switch Int.random(in: 0...3, using: &generator) {
        case 0: [0, 1, 1 << 32, 1 << 63, .max].randomElement(using: &generator) ?? 0
        default: generator.next() >> UInt64.random(in: 0..<64, using: &generator)
        }
    }

    mutating func number32() -> UInt32 { UInt32(truncatingIfNeeded: number()) }

    private mutating func number16() -> UInt16 { UInt16(truncatingIfNeeded: number()) }

    mutating func flag() -> Bool { Bool.random(using: &generator) }

    /// Text of any scalars, NUL and those outside the basic plane included; sometimes empty.
    mutating func text() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            let ceiling: UInt32 = flag() ? 0x80 : 0x11_0000
            // A surrogate is no scalar; it is left out.
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<ceiling, using: &generator)) { text.append(scalar) }
        }
        return String(text)
    }

    private mutating func printable() -> String {
        let count = Int.random(in: 1...255, using: &generator)
        return String(decoding: (0..<count).map { _ in UInt8.random(in: 0x20...0x7E, using: &generator) }, as: UTF8.self)
    }

    mutating func choice<Choice: CaseIterable>() -> Choice {
        let index = Int.random(in: 0..<Choice.allCases.count, using: &generator)
        return Choice.allCases[Choice.allCases.index(Choice.allCases.startIndex, offsetBy: index)]
    }

    mutating func maybe<Value>(_ make: (inout Self) -> Value) -> Value? { flag() ? make(&self) : nil }

    mutating func list<Value>(_ make: (inout Self) -> Value) -> [Value] {
        (0..<Int.random(in: 0...5, using: &generator)).map { _ in make(&self) }
    }
}
