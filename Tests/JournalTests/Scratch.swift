import ArtifactModel
import Foundation
import WorkerPool

@testable import Journal

/// A directory of one test's own, removed with the value.
final class Scratch: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("journal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("\(path) is left behind: \(error)")
        }
    }

    /// The names of what lies in it, sorted.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    func bytes(of name: String) throws -> Data { try Data(contentsOf: url(name)) }

    func write(_ data: Data, to name: String) throws { try data.write(to: url(name)) }

    private func url(_ name: String) -> URL { URL(fileURLWithPath: path).appendingPathComponent(name) }

    /// Opens the journal here, at the fixed time 1,000, and closes it after the body, however that ends.
    func withJournal<Value>(_ body: (Journal) throws -> Value) throws -> Value {
        let journal = try Journal.open(directory: path, now: { 1_000 })
        let outcome = Result { try body(journal) }
        try journal.close()
        return try outcome.get()
    }
}

extension Journal {
    /// Hands a job over and waits for the answer.
    func accept(_ job: NewJob) throws -> Acceptance {
        let answer = Monitor<Result<Acceptance, ArtifactError>?>(nil)
        accept(job) { result in
            answer.withLock { $0 = result }
            answer.signal()
        }
        return try answer.wait { $0 }.get()
    }

    /// Hands over a job that must be new, and returns its sequence.
    func sequence(of job: NewJob) throws -> Int64 {
        guard case .accepted(let sequence, _, _) = try accept(job) else {
            throw ArtifactError(.internalFault, "\(job.label) was not new")
        }
        return sequence
    }

    /// How many jobs of all tenants stand in a state.
    func jobs(in state: JobState) throws -> UInt64 {
        try counts().filter { $0.state == state }.reduce(0) { $0 + $1.jobs }
    }

    /// What is told of the job of that sequence.
    func record(sequence: Int64) throws -> JobRecord? {
        try records(JobQuery(after: sequence - 1, limit: 1)).first { $0.sequence == sequence }
    }
}

extension NewJob {
    /// A job with every field set, for the tests to vary.
    static func sample(
        _ name: String = "model.pt", uid: UInt32 = 1000, tenant: String = "acme-corp", key: [UInt8]? = nil, size: UInt64 = 5,
        compression: Compression = .auto, inlineBytes: [UInt8]? = nil
    ) -> NewJob {
        NewJob(
            id: .make(unixMilliseconds: 1), uid: uid, gid: 100, tenant: tenant, idempotencyKey: key,
            destination: "s3://bucket/runs/1/artifacts/\(name)", label: "/data/\(name)", path: "/data/\(name)", size: size,
            fingerprint: SourceFingerprint(device: .max, inode: 1 << 63, size: size, modifiedNanoseconds: -5), level: .accepted,
            pin: inlineBytes == nil ? .link : .inline, spoolName: inlineBytes == nil ? "spool-\(name)" : nil,
            inlineBytes: inlineBytes, compression: compression, changePolicy: .restart, kind: .model,
            contentType: "application/octet-stream", acceptedAt: 10)
    }

    /// As the journal reads it back.
    var withoutBytes: NewJob {
        var job = self
        job.inlineBytes = nil
        return job
    }
}

extension PartRecord {
    static func sample(_ number: Int) -> PartRecord {
        let index = UInt64(number - 1)
        return PartRecord(
            number: number, rawOffset: index * 100, rawLength: 100, offset: index * 80, size: 80, etag: "\"part-\(number)\"",
            check: number % 2 == 0 ? nil : CRC(.crc64nvme, value: .max - index, length: 80),
            rawCheck: number % 2 == 0 ? CRC(.crc32c, value: 7, length: 100) : nil)
    }
}

extension StoredFacts {
    static let sample = StoredFacts(etag: "\"e\"", size: 3, checksum: "crc32c:AAAAAA==", rawChecksum: "sha256:abc")
}
