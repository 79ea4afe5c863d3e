import ArtifactModel
import ObjectStore
import Testing

extension ConformanceSuite {
    static let objects: [Case] = [
        Case("An object reads back as it was put, and head says the same as get") { subject in
            let session = subject.store.makeSession()
            let bytes = SeededBytes.make(seed: 1, count: 300_001)
            let stored = try session.put("runs/1/model.pt", bytes)
            let (info, found) = try session.read("runs/1/model.pt")
            #expect(found == bytes)
            #expect(info.size == UInt64(bytes.count))
            #expect(info.etag == stored.etag && !stored.etag.isEmpty)
            let head = try #require(try session.head(try ObjectKey("runs/1/model.pt")))
            #expect(head.size == info.size && head.etag == info.etag)
            // 2020-01-01: whatever the store's clock says, it is later than that.
            #expect(try #require(head.modifiedAt) > 1_577_836_800_000)
        },
        Case("An empty object is an object") { subject in
            let session = subject.store.makeSession()
            try session.put("empty", [])
            #expect(try session.read("empty").bytes == [])
            #expect(try session.head(try ObjectKey("empty"))?.size == 0)
            #expect(try session.listAll().keys == ["empty"])
        },
        Case("Keys are taken as they are: nothing is decoded, encoded or normalised") { subject in
            let session = subject.store.makeSession()
            let keys = oddKeys + (subject.quirks.contains(.mendsSlashes) ? [] : ["back\\slash"])
            for (index, key) in keys.enumerated() { try session.put(key, Array("\(index)".utf8)) }
            for (index, key) in keys.enumerated() { #expect(try session.read(key).bytes == Array("\(index)".utf8), "\(key)") }
            let listed = try session.listAll().keys.map { Array($0.utf8) }
            #expect(Set(listed) == Set(keys.map { Array($0.utf8) }))
        },
        Case("A second object of a key replaces the first, headers included") { subject in
            let session = subject.store.makeSession()
            try session.put("latest", Array("a longer text at first".utf8), encoding: .gzip, metadata: [("job", "1")])
            let second = try session.put("latest", Array("short".utf8), contentType: "text/plain", metadata: [("job", "2")])
            let (info, bytes) = try session.read("latest")
            #expect(bytes == Array("short".utf8))
            #expect(info.etag == second.etag)
            #expect(info.encoding == .identity && info.contentType == "text/plain" && info.metadata == ["job": "2"])
        },
        Case("The check that was given comes back with the object, where the store keeps one") { subject in
            let session = subject.store.makeSession()
            let bytes = SeededBytes.make(seed: 2, count: 1_000)
            let check = try session.check(of: bytes)
            let stored = try session.put("checked", bytes)
            if let check, let checksum = stored.checksum { #expect(checksum == "\(check.algorithm):\(check.base64)") }
            #expect(try session.head(try ObjectKey("checked"))?.checksum == stored.checksum)
        },
        Case("Bytes that do not fit their check are refused, and no object appears") { subject in
            let session = subject.store.makeSession()
            guard let algorithm = try session.verifiedCRC() else { return }
            let object = ObjectDescription(
                key: try ObjectKey("damaged"), contentType: "text/plain", encoding: .identity, metadata: [])
            let wrong = TableCRC.check(algorithm, of: Array("others".utf8))
            let body = Array("bytes.".utf8)
            let code = try code { try body.withUnsafeBytes { try session.put(object, body: $0, check: wrong) } }
            #expect(code == .checksumMismatch)
            #expect(try session.head(object.key) == nil)
        },
        Case("What is not there: head says nil, get says so") { subject in
            let session = subject.store.makeSession()
            let key = try ObjectKey("nowhere/to be found")
            #expect(try session.head(key) == nil)
            #expect(try code { try session.get(key) { _, _ in Issue.record("nothing can be delivered") } } == .notFound)
        },
        Case("A range brings its bytes alone, and the whole object's size") { subject in
            let session = subject.store.makeSession()
            let bytes = SeededBytes.make(seed: 4, count: 3 << 20)
            let size = UInt64(bytes.count)
            let stored = try session.put("ranged", bytes)
            let ranges: [Range<UInt64>] = [
                0..<1, 0..<size, 1..<1_500_000, size - 1..<size, size - 5..<size + 100, 7..<UInt64.max, 0..<0, 5..<5,
                size..<size + 1,
                size + 7..<UInt64.max,
            ]
            for range in ranges {
                let (info, found) = try session.read("ranged", range)
                let wanted = range.clamped(to: 0..<size)
                #expect(found == Array(bytes[Int(wanted.lowerBound)..<Int(wanted.upperBound)]), "\(range)")
                #expect(info.size == size && info.etag == stored.etag, "\(range)")
            }
            // The session is still good.
            #expect(try session.read("ranged").bytes == bytes)
        },
        Case("A range of what is encoded counts its bytes as they lie there, and says the headers") { subject in
            let session = subject.store.makeSession()
            try session.put(
                "encoded", Array("0123456789".utf8), contentType: "text/csv", encoding: .gzip, metadata: [("job", "7")])
            let (info, bytes) = try session.read("encoded", 2..<5)
            #expect(bytes == Array("234".utf8))
            #expect(info.size == 10 && info.encoding == .gzip && info.contentType == "text/csv" && info.metadata == ["job": "7"])
        },
        Case("A range of an empty object, or of none") { subject in
            let session = subject.store.makeSession()
            try session.put("empty", [])
            let key = try ObjectKey("missing")
            for range: Range<UInt64> in [0..<0, 0..<10, 3..<UInt64.max] {
                let (info, bytes) = try session.read("empty", range)
                #expect(info.size == 0 && bytes.isEmpty)
                #expect(try code { try session.get(key, range: range) { _, _ in Issue.record("nothing") } } == .notFound)
            }
        },
        Case("Deleting removes the object; deleting what is not there is no error") { subject in
            let session = subject.store.makeSession()
            try session.put("a/b/c", [1])
            try session.put("a/d", [2])
            let key = try ObjectKey("a/b/c")
            try session.delete(key)
            try session.delete(key)
            #expect(try session.head(key) == nil)
            #expect(try code { try session.read("a/b/c") } == .notFound)
            #expect(try session.listAll().keys == ["a/d"])
        },
        Case("Put if absent stores the first object and leaves it alone afterwards") { subject in
            let session = subject.store.makeSession()
            let first = try #require(try session.putIfAbsent("registry/1.json", Array("first".utf8), metadata: [("job", "1")]))
            let second = try session.putIfAbsent("registry/1.json", Array("the second".utf8))
            #expect(second == nil)
            let (info, bytes) = try session.read("registry/1.json")
            #expect(bytes == Array("first".utf8))
            #expect(info.etag == first.etag && info.contentType == "application/json" && info.metadata == ["job": "1"])
            // Nothing stays behind of an object that was there.
            try session.delete(try ObjectKey("registry/1.json"))
            let again = try #require(try session.putIfAbsent("registry/1.json", Array("again".utf8)))
            #expect(again.etag != first.etag)
            #expect(try session.head(try ObjectKey("registry/1.json"))?.metadata == [:])
            #expect(try session.listAll().keys == ["registry/1.json"])
        },
        Case("Put if absent takes no encoded object") { subject in
            let session = subject.store.makeSession()
            let key = try ObjectKey("encoded")
            #expect(try code { try session.putIfAbsent("encoded", [1], encoding: .gzip) } == .invalidRequest)
            #expect(try session.head(key) == nil)
        },
        Case("Contents are the whole object, nothing where there is none, and refused beyond the limit") { subject in
            let session = subject.store.makeSession()
            let key = try ObjectKey("small.json")
            #expect(try session.contents(of: key, atMost: 10) == nil)
            try session.put("small.json", Array("0123456789".utf8))
            #expect(try session.contents(of: key, atMost: 10) == Array("0123456789".utf8))
            #expect(try code { try session.contents(of: key, atMost: 9) } == .tooLarge)
            try session.put("small.json", [])
            #expect(try session.contents(of: key, atMost: 0) == [])
        },
        Case("A key that passes the check can be stored, one that does not cannot") { subject in
            let session = subject.store.makeSession()
            let long = [String](repeating: String(repeating: "x", count: 127), count: 8).joined(separator: "/")
            for text in ["plain", "dir/" + String(repeating: "y", count: 240), "a/.artifactd/b", long] {
                let refusal = try code { try subject.store.checkKey(try ObjectKey(text)) }
                #expect(refusal == nil || refusal == .invalidKey)
                // What this store's server would do with a key that is refused is not of interest.
                guard refusal == nil else { continue }
                let outcome = try code { try session.put(text, []) }
                #expect(outcome == nil, "\(text)")
            }
            let plain = try ObjectKey("plain")
            #expect(throws: Never.self) { try subject.store.checkKey(plain) }
        },
        Case("What the receiver throws ends the read and reaches the caller") { subject in
            let session = subject.store.makeSession()
            try session.put("interrupted", SeededBytes.make(seed: 3, count: 4 << 20))
            var received = 0
            let failure = ArtifactError(.cancelled, "enough")
            let key = try ObjectKey("interrupted")
            #expect(throws: failure) {
                try session.get(key) { (_, bytes) throws(ArtifactError) in
                    received += bytes.count
                    if received > 0 { throw failure }
                }
            }
            #expect(received > 0 && received < 4 << 20)
            // The session is still good.
            #expect(try session.read("interrupted").bytes.count == 4 << 20)
        },
    ]

    static let headers: [Case] = [
        Case("Content type, encoding and metadata come back as they were given") { subject in
            let session = subject.store.makeSession()
            for (index, encoding) in ContentEncoding.allCases.enumerated() {
                let key = "headers/\(encoding)"
                try session.put(key, [1, 2, 3], contentType: contentTypes[index], encoding: encoding, metadata: oddMetadata)
                let head = try #require(try session.head(try ObjectKey(key)))
                let (info, _) = try session.read(key)
                for said in [head, info] {
                    #expect(said.contentType == contentTypes[index])
                    #expect(said.encoding == encoding)
                    #expect(said.metadata == Dictionary(uniqueKeysWithValues: oddMetadata.map { ($0.name, $0.value) }))
                }
            }
        },
        Case("A multipart upload's headers are those given at its creation") { subject in
            let session = subject.store.makeSession()
            var upload = try session.begin("part by part", contentType: "image/png", encoding: .zstd, metadata: oddMetadata)
            try session.send([7], as: 1, at: 0, to: &upload)
            try session.complete(upload)
            let info = try #require(try session.head(upload.key))
            #expect(info.contentType == "image/png" && info.encoding == .zstd)
            #expect(info.metadata == Dictionary(uniqueKeysWithValues: oddMetadata.map { ($0.name, $0.value) }))
        },
    ]

    private static let oddKeys = [
        "with space", "two  spaces /x", "%2e", "%2e%2e/x", "100%", "a+b", "ä", "a\u{308}", "日本/語", "a=b&c", "'\"<>",
        "~!@#$^*()[]{}|",
        "semi;colon:comma,?question", "-dash", ".hidden", "dots...", "\u{1F600}",
    ]

    private static let contentTypes = ["application/json", "text/plain", "application/vnd.apache.parquet"]

    private static let oddMetadata: [(name: String, value: String)] = [
        ("job", "0198c0de-0000-7000-8000-000000000001"), ("raw-size", "12345"), ("label", "Größe 100%, 日本 \u{1F600}"),
        ("kind", "model"),
    ]
}
