import ArtifactModel
import ObjectStore
import Testing

extension ConformanceSuite {
    static let multipart: [Case] = [
        Case("Parts sent in any order make one object") { subject in
            let session = subject.store.makeSession()
            let size = subject.partSize
            let bytes = SeededBytes.make(seed: 10, count: 2 * size + 777)
            var upload = try session.begin("in any/order")
            try session.send(Array(bytes[(2 * size)...]), as: 3, at: 2 * size, to: &upload)
            try session.send(Array(bytes[..<size]), as: 1, at: 0, to: &upload)
            try session.send(Array(bytes[size..<(2 * size)]), as: 2, at: size, to: &upload)
            let stored = try session.complete(upload)
            let (info, found) = try session.read("in any/order")
            #expect(found == bytes)
            #expect(info.etag == stored.etag)
            if let check = upload.check, let checksum = stored.checksum {
                #expect(checksum == "\(check.algorithm):\(check.base64)")
            }
            #expect(try session.listUploads(key: upload.key) == [])
        },
        Case("A part that is sent again replaces the first") { subject in
            let session = subject.store.makeSession()
            let size = subject.partSize
            var upload = try session.begin("sent again")
            try session.send(SeededBytes.make(seed: 11, count: size), as: 1, at: 0, to: &upload)
            try session.send([1, 2, 3], as: 2, at: size, to: &upload)
            let better = SeededBytes.make(seed: 12, count: size)
            try session.send(better, as: 1, at: 0, to: &upload)
            let listed = try session.listParts(key: upload.key, uploadID: upload.id)
            if subject.quirks.contains(.listsReplacedParts) {
                #expect(listed.contains { $0.number == 1 && $0.etag == upload.parts[1]?.receipt.etag })
            } else {
                #expect(listed.map(\.etag) == upload.receipts.map(\.etag))
            }
            try session.complete(upload)
            #expect(try session.read("sent again").bytes == better + [1, 2, 3])
        },
        Case("The parts that the store holds are listed by rising number, as their receipts say") { subject in
            let session = subject.store.makeSession()
            let size = subject.partSize
            var upload = try session.begin("listed")
            #expect(try session.listParts(key: upload.key, uploadID: upload.id) == [])
            try session.send([9], as: 2, at: size, to: &upload)
            try session.send(SeededBytes.make(seed: 13, count: size), as: 1, at: 0, to: &upload)
            let expected = upload.receipts.map { ListedPart(number: $0.number, size: $0.size, etag: $0.etag) }
            #expect(try session.listParts(key: upload.key, uploadID: upload.id) == expected)
            // What is listed is enough to complete after a restart that lost the receipts.
            let receipts = expected.map {
                PartReceipt(number: $0.number, size: $0.size, etag: $0.etag, check: upload.parts[$0.number]?.check)
            }
            _ = try session.completeUpload(key: upload.key, uploadID: upload.id, parts: receipts, check: upload.check)
            #expect(try session.head(upload.key)?.size == UInt64(size + 1))
        },
        Case("Parts that completion does not name are dropped") { subject in
            let session = subject.store.makeSession()
            let size = subject.partSize
            var upload = try session.begin("dropped")
            let bytes = SeededBytes.make(seed: 14, count: size)
            try session.send(bytes, as: 1, at: 0, to: &upload)
            try session.send([1, 2, 3], as: 2, at: size, to: &upload)
            upload.parts[2] = nil
            try session.complete(upload)
            #expect(try session.read("dropped").bytes == bytes)
        },
        Case("A part that is not the one in the store is refused at completion") { subject in
            let session = subject.store.makeSession()
            var upload = try session.begin("foreign part")
            try session.send([1, 2, 3], as: 1, at: 0, to: &upload)
            var receipts = upload.receipts
            receipts[0].etag = "\"00000000000000000000000000000000\""
            let completed = try code {
                try session.completeUpload(key: upload.key, uploadID: upload.id, parts: receipts, check: upload.check)
            }
            #expect(completed == .checksumMismatch)
            #expect(try session.head(upload.key) == nil)
            // And the upload can still be completed with the right one.
            try session.complete(upload)
            #expect(try session.head(upload.key)?.size == 3)
        },
        Case("An object of another size or check than said is not called complete") { subject in
            let session = subject.store.makeSession()
            var upload = try session.begin("not as said")
            try session.send([1, 2, 3], as: 1, at: 0, to: &upload)
            let algorithm = try session.verifiedCRC()
            let wrong = algorithm.map { TableCRC.check($0, of: [3, 2, 1]) } ?? CRC(.crc32c, value: 0, length: 4)
            let completed = try code {
                try session.completeUpload(key: upload.key, uploadID: upload.id, parts: upload.receipts, check: wrong)
            }
            #expect(completed == .checksumMismatch)
        },
        Case("A part that does not fit its check is refused and not listed") { subject in
            let session = subject.store.makeSession()
            guard let algorithm = try session.verifiedCRC() else { return }
            let upload = try session.begin("damaged part")
            let part = PartDescription(
                key: upload.key, uploadID: upload.id, number: 1, offset: 0, check: TableCRC.check(algorithm, of: [3, 2, 1]))
            let body: [UInt8] = [1, 2, 3]
            #expect(try code { try body.withUnsafeBytes { try session.uploadPart(part, body: $0) } } == .checksumMismatch)
            #expect(try session.listParts(key: upload.key, uploadID: upload.id) == [])
        },
        Case("After an abort nothing is left, and aborting again is no error") { subject in
            let session = subject.store.makeSession()
            var upload = try session.begin("given up")
            try session.send([1], as: 1, at: 0, to: &upload)
            try session.abortUpload(key: upload.key, uploadID: upload.id)
            try session.abortUpload(key: upload.key, uploadID: upload.id)
            #expect(try session.listUploads(key: upload.key) == [])
            #expect(try session.head(upload.key) == nil)
        },
        Case("An upload that is gone is noSuchUpload for every call that names it") { subject in
            let session = subject.store.makeSession()
            var upload = try session.begin("gone")
            try session.send([1], as: 1, at: 0, to: &upload)
            try session.abortUpload(key: upload.key, uploadID: upload.id)
            #expect(try code { try session.listParts(key: upload.key, uploadID: upload.id) } == .noSuchUpload)
            #expect(try code { try session.complete(upload) } == .noSuchUpload)
            var late = upload
            #expect(try code { try session.send([2], as: 2, at: 1, to: &late) } == .noSuchUpload)
        },
        Case("The open uploads are listed by exactly their key") { subject in
            let session = subject.store.makeSession()
            let first = try session.begin("up/load")
            let second = try session.begin("up/load")
            let other = try session.begin("up/load-2")
            #expect(first.id != second.id)
            let listed = try session.listUploads(key: first.key)
            #expect(Set(listed.map(\.id)) == [first.id, second.id])
            #expect(listed.allSatisfy { $0.initiatedAt > 1_577_836_800_000 })
            #expect(try session.listUploads(key: try ObjectKey("up")) == [])
            for upload in [first, second, other] { try session.abortUpload(key: upload.key, uploadID: upload.id) }
            #expect(try session.listUploads(key: first.key) == [])
        },
        Case("A completed upload replaces the object of its key") { subject in
            let session = subject.store.makeSession()
            try session.put("replaced", Array("the first".utf8), metadata: [("job", "1")])
            var upload = try session.begin("replaced", metadata: [("job", "2")])
            try session.send(Array("the second, longer".utf8), as: 1, at: 0, to: &upload)
            #expect(try session.read("replaced").bytes == Array("the first".utf8))
            try session.complete(upload)
            let (info, bytes) = try session.read("replaced")
            #expect(bytes == Array("the second, longer".utf8) && info.metadata == ["job": "2"])
        },
    ]
}
