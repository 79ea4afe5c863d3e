import ArtifactModel
import ObjectStore
import Testing

extension ConformanceSuite {
    static let listings: [Case] = [
        Case("An empty store lists nothing") { subject in
            let session = subject.store.makeSession()
            let (all, some) = try (session.listAll(), session.listAll(prefix: "no/such/"))
            #expect(all.keys.isEmpty && some.keys.isEmpty)
        },
        Case("Listings stand in the order of the keys' UTF-8 bytes, a slash being a byte like others") { subject in
            let session = subject.store.makeSession()
            for key in unsorted { try session.put(key, Array(key.utf8)) }
            let page = try session.list(prefix: "", after: nil, limit: 1_000)
            #expect(page.entries.map(\.key) == sorted)
            #expect(page.next == nil)
            for entry in page.entries {
                #expect(entry.size == UInt64(entry.key.utf8.count))
                #expect(entry.modifiedAt > 1_577_836_800_000)
                #expect(entry.etag == (try session.head(try ObjectKey(entry.key))?.etag))
            }
        },
        Case("Pages together are the whole, each key once", { try checkPages($0) }),
        Case("A prefix is any text, not only whole components") { subject in
            let session = subject.store.makeSession()
            for key in unsorted { try session.put(key, []) }
            var prefixes = ["a", "a/", "a/b", "a-", "z", "ab/c/d", "日", "ab/c/d/e/f", ".artifactd/"]
            if !subject.quirks.contains(.mendsSlashes) { prefixes += ["../", "/", "a//", "./a", "a/../"] }
            for prefix in prefixes {
                let expected = sorted.filter { $0.utf8.starts(with: prefix.utf8) }
                #expect(try session.listAll(prefix: prefix).keys == expected, "prefix \(prefix)")
            }
        },
        Case("A multipart upload is no object before its completion") { subject in
            let session = subject.store.makeSession()
            var upload = try session.begin("unfinished")
            try session.send([1], as: 1, at: 0, to: &upload)
            #expect(try session.listAll().keys == [])
            #expect(try session.head(upload.key) == nil)
            try session.abortUpload(key: upload.key, uploadID: upload.id)
            #expect(try session.listAll().keys == [])
        },
    ]

    @Sendable private static func checkPages(_ subject: StoreUnderTest) throws {
        let session = subject.store.makeSession()
        for key in unsorted { try session.put(key, []) }
        for size in [1, 2, 5, unsorted.count] {
            let (keys, pages) = try session.listAll(pageSize: size)
            #expect(pages.allSatisfy(isSorted))
            #expect(keys.count == unsorted.count, "pages of \(size)")
            #expect((subject.quirks.contains(.sortsPagesAlone) ? sortedByBytes(keys) : keys) == sorted, "pages of \(size)")
        }
        // Where to go on need not be a key that exists.
        #expect(try session.list(prefix: "z", after: "z0", limit: 10).entries.map(\.key) == ["z1"])
    }

    private static let unsorted = [
        "z1", "a/b", "a-b", "a.b", "a0", "ab/c/d/e", "ab/c-d", "ab/c/d-e", "ab/c.d", "Z", "ä", "日本", "\u{FF5E}", "\u{10000}",
        "a/a/a",
        "ab-",
    ]

    private static let sorted = sortedByBytes(unsorted)

    private static func sortedByBytes(_ keys: [String]) -> [String] {
        keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
