import ArtifactModel
import Foundation
import ObjectStore
import TestSupport
import Testing

/// What is found after a crash between any two steps of a commit. Each test lays the files out as the crash would leave them.
@Suite struct DirectoryStoreCrashTests {
    /// Headers are renamed into place before the data. In between, the old object is read with its old headers.
    @Test func oldObjectKeepsItsHeadersUntilTheNewOneIsThere() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("run/model", "old, encoded", encoding: .gzip)
        // A second name keeps the old file with its inode, so that it can be put back.
        try FileManager.default.linkItem(atPath: fixture.path("run/model"), toPath: fixture.path("kept"))
        try fixture.put("run/model", "new and plain")
        try FileManager.default.removeItem(atPath: fixture.path("run/model"))
        try FileManager.default.moveItem(atPath: fixture.path("kept"), toPath: fixture.path("run/model"))

        let restarted = try fixture.restarted()
        #expect(try #require(try restarted.read("run/model")) == ("old, encoded", .gzip))
        // The commit that follows keeps the headers of what is there, not those of the object that never came.
        try restarted.put("run/model", "newest", encoding: .zstd)
        #expect(try #require(try restarted.read("run/model")) == ("newest", .zstd))
        #expect(try restarted.text(of: ".artifactd/meta/run/model.json").contains("\"gzip\""))
    }

    /// Two objects of one size are told apart by the file, not by the size.
    @Test func generationsOfOneSizeAreToldApart() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("same", "11111", encoding: .gzip)
        try FileManager.default.linkItem(atPath: fixture.path("same"), toPath: fixture.path("kept"))
        try fixture.put("same", "22222", encoding: .zstd)
        #expect(try #require(try fixture.read("same")) == ("22222", .zstd))
        try FileManager.default.removeItem(atPath: fixture.path("same"))
        try FileManager.default.moveItem(atPath: fixture.path("kept"), toPath: fixture.path("same"))
        #expect(try #require(try fixture.read("same")) == ("11111", .gzip))
    }

    /// Headers whose data never came are no object, and the key can be stored.
    @Test func headersAloneAreNoObject() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("first", "text", encoding: .zstd)
        try FileManager.default.removeItem(atPath: fixture.path("first"))
        #expect(try fixture.read("first") == nil)
        #expect(try fixture.keys() == [])
        try fixture.put("first", "again")
        #expect(try #require(try fixture.read("first")) == ("again", .identity))
    }

    /// A copied directory has other inodes; the size finds the headers.
    @Test func headersAreFoundInACopiedDirectory() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("copied", "old", encoding: .zstd)
        try fixture.put("copied", "encoded", encoding: .gzip)
        try fixture.write("encoded", to: "other")
        try FileManager.default.removeItem(atPath: fixture.path("copied"))
        try FileManager.default.moveItem(atPath: fixture.path("other"), toPath: fixture.path("copied"))
        #expect(try #require(try fixture.read("copied")) == ("encoded", .gzip))
    }

    /// A file that has no headers is plain bytes.
    @Test func unknownFilesArePlainBytes() throws {
        let fixture = try DirectoryFixture()
        try fixture.write("foreign", to: "put/by hand")
        #expect(try #require(try fixture.read("put/by hand")) == ("foreign", .identity))
        let head = try #require(try fixture.session.head(try ObjectKey("put/by hand")))
        #expect(head.contentType == "application/octet-stream" && head.metadata == [:] && head.checksum == nil)
    }

    /// An object that was changed by hand, so that it has another size than its headers say, is neither read nor described as if it
    /// were whole; a new object of the key mends it.
    @Test(arguments: ["", "1234", "123456", "of another size"])
    func changedSizesAreAnError(_ content: String) throws {
        let fixture = try DirectoryFixture()
        try fixture.put("run/changed", "12345", encoding: .gzip)
        for isReplaced in [false, true] {
            if isReplaced { try FileManager.default.removeItem(atPath: fixture.path("run/changed")) }
            try Data(content.utf8).write(to: URL(fileURLWithPath: fixture.path("run/changed")))
            let key = try ObjectKey("run/changed")
            var received = 0
            let error = try #require(try failure { try fixture.session.get(key) { _, bytes in received += bytes.count } })
            #expect(error.code == .corruptObject && received == 0)
            #expect(error.message.contains("'run/changed' has \(content.utf8.count) bytes"))
            #expect(error.message.contains("'.artifactd/meta/run/changed.json'"))
            #expect(try failure { try fixture.session.head(key) }?.code == .corruptObject)
        }
        try fixture.put("run/changed", "mended")
        #expect(try #require(try fixture.read("run/changed")) == ("mended", .identity))
    }

    /// In a copied directory the object that is about to be replaced keeps its headers too, till the new one is there.
    @Test func copiedObjectsKeepTheirHeaders() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("copied", "encoded", encoding: .gzip)
        try fixture.write("encoded", to: "copy")
        try FileManager.default.removeItem(atPath: fixture.path("copied"))
        try FileManager.default.moveItem(atPath: fixture.path("copy"), toPath: fixture.path("copied"))
        try FileManager.default.linkItem(atPath: fixture.path("copied"), toPath: fixture.path("kept"))
        try fixture.put("copied", "newer", encoding: .zstd)
        try FileManager.default.removeItem(atPath: fixture.path("copied"))
        try FileManager.default.moveItem(atPath: fixture.path("kept"), toPath: fixture.path("copied"))
        #expect(try #require(try fixture.read("copied")) == ("encoded", .gzip))
    }

    /// Headers that are left over of an object long gone are never taken for those of one that is created now, not even in the
    /// moment before it has its own.
    @Test func staleHeadersGoBeforeAnObjectIsCreated() throws {
        let fixture = try DirectoryFixture()
        let (root, key) = (fixture.root, try ObjectKey("registry.json"))
        for _ in 0..<50 {
            try fixture.put("registry.json", "{}", encoding: .zstd)
            try FileManager.default.removeItem(atPath: fixture.path("registry.json"))
            try Threads.run(2) { thread in
                let session = try DirectoryStore(root: root).makeSession()
                guard thread > 0 else {
                    let object = ObjectDescription(key: key, contentType: "text/plain", encoding: .identity, metadata: [])
                    _ = try Array("[]".utf8).withUnsafeBytes { try session.putIfAbsent(object, body: $0, check: nil) }
                    return
                }
                while true {
                    guard let info = try session.head(key) else { continue }
                    guard info.encoding == .identity else { throw SupportError("the new object is said to be \(info.encoding)") }
                    if info.contentType == "text/plain" { return }
                }
            }
        }
    }

    /// Headers that do not decode are said, not guessed at; a new object of the key mends them.
    @Test func damagedHeadersAreAnError() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("damaged", "text", encoding: .gzip)
        try fixture.write("{\"generations\":[", to: ".artifactd/meta/damaged.json")
        let error = try #require(try failure { try fixture.read("damaged") })
        #expect(error.code == .corruptObject && error.message.contains("damaged"))
        try fixture.put("damaged", "mended")
        #expect(try #require(try fixture.read("damaged")) == ("mended", .identity))
    }

    /// What a crash left under temporary names is never listed, and goes at the next start unless it may still be in use.
    @Test func leftoversAreIgnoredAndRemoved() throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("whole")
        let names = [
            ".artifactd/tmp/old", ".artifactd/tmp/young", ".artifactd/uploads/old-data", ".artifactd/uploads/old-record.parts",
            ".artifactd/uploads/young-data",
        ]
        for name in names { try fixture.write("left over", to: name) }
        for name in names where name.contains("old") { try fixture.age(name) }
        try fixture.age(".artifactd/uploads/\(upload)")
        try fixture.age(".artifactd/uploads/\(upload).parts")
        #expect(try fixture.keys() == [])

        let restarted = try fixture.restarted()
        #expect(try restarted.files(in: ".artifactd/tmp") == ["young"])
        // An upload that is whole stays, however old: whoever began it ends it.
        #expect(try restarted.files(in: ".artifactd/uploads") == [upload, "\(upload).parts", "young-data"].sorted())
    }

    /// After a restart an upload goes on with the parts that were confirmed.
    @Test func uploadsGoOnAfterARestart() throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("resumed")
        let second = try fixture.send("world", as: 2, at: 6, of: "resumed", to: upload)

        let restarted = try fixture.restarted()
        let key = try ObjectKey("resumed")
        #expect(try restarted.session.listUploads(key: key).map(\.id) == [upload])
        let listed = try restarted.session.listParts(key: key, uploadID: upload)
        #expect(listed == [ListedPart(number: 2, size: 5, etag: second.etag)])
        let first = try restarted.send("hello ", as: 1, at: 0, of: "resumed", to: upload)
        try restarted.complete("resumed", upload, [first, second])
        #expect(try restarted.read("resumed")?.text == "hello world")
        #expect(try restarted.files(in: ".artifactd/uploads") == [])
    }

    /// A line of the record that a crash cut off does not count, nor does it spoil the next.
    @Test(arguments: [1, 10, 40])
    func cutLinesDoNotCount(_ missing: Int) throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("cut")
        let first = try fixture.send("one", as: 1, at: 0, of: "cut", to: upload)
        _ = try fixture.send("two", as: 2, at: 3, of: "cut", to: upload)
        let record = ".artifactd/uploads/\(upload).parts"
        try fixture.write(String(try fixture.text(of: record).dropLast(missing)), to: record)

        let restarted = try fixture.restarted()
        let key = try ObjectKey("cut")
        #expect(try restarted.session.listParts(key: key, uploadID: upload).map(\.number) == [1])
        let second = try restarted.send("TWO", as: 2, at: 3, of: "cut", to: upload)
        let again = try restarted.restarted()
        #expect(try again.session.listParts(key: key, uploadID: upload).map(\.etag) == [first.etag, second.etag])
        try again.complete("cut", upload, [first, second])
        #expect(try again.read("cut")?.text == "oneTWO")
    }

    /// A part is taken off the list before its bytes are written over: a crash in the middle leaves it unlisted.
    @Test func overwrittenPartsAreUnlistedFirst() throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("overlap")
        let first = try fixture.send("0123", as: 1, at: 0, of: "overlap", to: upload)
        let second = try fixture.send("4567", as: 2, at: 4, of: "overlap", to: upload)
        // Reaches into the second part, whose bytes are no longer those that were confirmed.
        let longer = try fixture.send("abcdef", as: 1, at: 0, of: "overlap", to: upload)
        #expect(longer.etag != first.etag)
        let shorter = try fixture.send("0123", as: 1, at: 0, of: "overlap", to: upload)
        for store in [fixture, try fixture.restarted()] {
            #expect(try store.session.listParts(key: try ObjectKey("overlap"), uploadID: upload).map(\.number) == [1])
            let error = try #require(try failure { try store.complete("overlap", upload, [shorter, second]) })
            #expect(error.code == .checksumMismatch)
        }
    }

    /// The store opens with an object in place whose upload's record a crash left behind.
    @Test func aRecordWithoutDataIsNoUpload() throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("committed")
        let part = try fixture.send("text", as: 1, at: 0, of: "committed", to: upload)
        let record = ".artifactd/uploads/\(upload).parts"
        let kept = try fixture.text(of: record)
        try fixture.complete("committed", upload, [part])
        try fixture.write(kept, to: record)

        let restarted = try fixture.restarted()
        #expect(try restarted.session.listUploads(key: try ObjectKey("committed")) == [])
        #expect(try failure { try restarted.complete("committed", upload, [part]) }?.code == .noSuchUpload)
        #expect(try restarted.read("committed")?.text == "text")
    }
}
