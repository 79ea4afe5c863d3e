import ArtifactModel
import Foundation
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import ObjectStore

@Suite struct DirectoryStoreTests {
    /// An object is the plain file of its key, and its headers are a JSON file beside the tree.
    @Test func objectsArePlainFiles() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("experiments/1/model.pt", "weights")
        #expect(try fixture.text(of: "experiments/1/model.pt") == "weights")
        #expect(try fixture.text(of: ".artifactd/meta/experiments/1/model.pt.json").contains("\"contentType\":\"text\\/plain\""))
        #expect(try fixture.files(in: ".artifactd/tmp") == [])
    }

    /// The entity tag changes whenever the object is replaced, also by the same bytes.
    @Test func entityTagsChange() throws {
        let fixture = try DirectoryFixture()
        let first = try fixture.put("tagged", "same").etag
        try FileManager.default.linkItem(atPath: fixture.path("tagged"), toPath: fixture.path("kept"))
        #expect(try fixture.put("tagged", "same").etag != first)
    }

    /// The check that the caller gives is kept with the object.
    @Test func checksumsAreKept() throws {
        let fixture = try DirectoryFixture()
        let body = Array("123456789".utf8)
        let check = TableCRC.check(.crc32c, of: body)
        let object = ObjectDescription(key: try ObjectKey("summed"), contentType: "text/plain", encoding: .identity, metadata: [])
        let stored = try body.withUnsafeBytes { try fixture.session.put(object, body: $0, check: check) }
        #expect(stored.checksum == "crc32c:4waSgw==")
        #expect(try fixture.session.head(object.key)?.checksum == "crc32c:4waSgw==")
    }

    // MARK: - Keys

    /// A name stands for an object or for a directory, whichever came first; the error names the key and the way out.
    @Test(arguments: [("a", "a/b"), ("a/b", "a"), ("x/y", "x/y/z/deep"), ("x/y/z", "x/y"), ("m", "m.json/x"), ("m.json/x", "m")])
    func objectsAndDirectoriesExclude(_ first: String, _ second: String) throws {
        let fixture = try DirectoryFixture()
        try fixture.put(first, "first")
        let error = try #require(try failure { try fixture.put(second, "second") })
        #expect(error.code == .invalidKey && error.message.contains("'\(second)'"))
        #expect(try fixture.keys() == [first])
        #expect(try fixture.read(first)?.text == "first")
        #expect(try fixture.files(in: ".artifactd/tmp") == [])
    }

    /// The same is refused at the beginning of a multipart upload, before any byte is sent.
    @Test(arguments: [("a", "a/b"), ("a/b", "a")])
    func uploadsAreRefusedEarly(_ first: String, _ second: String) throws {
        let fixture = try DirectoryFixture()
        try fixture.put(first, "first")
        #expect(try failure { try fixture.begin(second) }?.code == .invalidKey)
        #expect(try fixture.files(in: ".artifactd/uploads") == [])
    }

    /// What cannot be stored beside what is there is refused before a job is accepted, and that looks, but changes nothing.
    @Test(arguments: [("a", "a/b"), ("a/b", "a"), ("x/y/z", "x/y"), ("m", "m.json/x"), ("m.json/x", "m"), ("", ".artifactd/x")])
    func impossiblePlacesAreRefusedAtOnce(_ present: String, _ text: String) throws {
        let fixture = try DirectoryFixture()
        if !present.isEmpty { try fixture.put(present, "first") }
        let key = try ObjectKey(text)
        let error = try #require(try failure { try fixture.store.checkKey(key) })
        #expect(error.code == .invalidKey && error.message.contains("'\(text)'"))
        #expect(try failure { try fixture.put(text, "second") }?.code == .invalidKey)
        for free in ["b", "c/d/e", present].filter({ !$0.isEmpty }) { try fixture.store.checkKey(try ObjectKey(free)) }
        #expect(try fixture.keys() == [present].filter { !$0.isEmpty })
        #expect(!fixture.exists("c"))
    }

    /// An empty directory, which a failed call can leave, does not stand in an object's way.
    @Test func emptyDirectoriesGiveWay() throws {
        let fixture = try DirectoryFixture()
        try FileManager.default.createDirectory(atPath: fixture.path("way"), withIntermediateDirectories: true)
        try fixture.put("way", "object")
        #expect(try fixture.read("way")?.text == "object")
    }

    /// Names that the file system or the store itself cannot have are refused by every call.
    @Test(arguments: [
        String(repeating: "x", count: 256) + "/y", "dir/" + String(repeating: "y", count: 251), ".artifactd", ".artifactd/tmp/x",
    ])
    func impossibleNamesAreRefused(_ text: String) throws {
        let fixture = try DirectoryFixture()
        let key = try ObjectKey(text)
        #expect(try failure { try fixture.store.checkKey(key) }?.code == .invalidKey)
        #expect(try failure { try fixture.put(text, "") }?.code == .invalidKey)
        #expect(try failure { try fixture.begin(text) }?.code == .invalidKey)
        #expect(try failure { try fixture.session.head(key) }?.code == .invalidKey)
        #expect(try failure { try fixture.session.delete(key) }?.code == .invalidKey)
    }

    /// The longest names that fit are taken.
    @Test func longestNamesFit() throws {
        let fixture = try DirectoryFixture()
        let key = String(repeating: "x", count: 255) + "/" + String(repeating: "y", count: 250)
        try fixture.put(key, "fits")
        #expect(try fixture.read(key)?.text == "fits")
        #expect(try fixture.keys() == [key])
    }

    /// A name of the store's own is free further down.
    @Test func reservedNameIsFreeBelow() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("a/.artifactd/b", "mine")
        #expect(try fixture.keys() == ["a/.artifactd/b"])
    }

    /// An upload id is never taken for a path.
    @Test(arguments: ["", "..", "../../secret", "0123456789abcdef0123456789abcde/", "%00"])
    func uploadIDsAreNoPaths(_ id: String) throws {
        let fixture = try DirectoryFixture()
        try fixture.write("secret", to: "secret")
        let key = try ObjectKey("key")
        #expect(try failure { try fixture.session.listParts(key: key, uploadID: id) }?.code == .noSuchUpload)
        #expect(try failure { try fixture.send("x", as: 1, at: 0, of: "key", to: id) }?.code == .noSuchUpload)
        try fixture.session.abortUpload(key: key, uploadID: id)
        #expect(try fixture.keys() == ["secret"])
    }

    /// An upload is known under its own key alone.
    @Test func uploadsBelongToTheirKey() throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("mine")
        #expect(try failure { try fixture.send("x", as: 1, at: 0, of: "other", to: upload) }?.code == .noSuchUpload)
        try fixture.session.abortUpload(key: try ObjectKey("other"), uploadID: upload)
        #expect(try fixture.session.listUploads(key: try ObjectKey("mine")).map(\.id) == [upload])
    }

    // MARK: - Foreign things in the tree

    /// A symbolic link on the way leads nowhere, neither for writing nor for reading.
    @Test func linkedDirectoriesAreNotFollowed() throws {
        let fixture = try DirectoryFixture()
        let outside = try TemporaryDirectory()
        #expect(FileManager.default.createFile(atPath: "\(outside.path)/precious", contents: Data("outside".utf8)))
        try FileManager.default.createSymbolicLink(atPath: fixture.path("link"), withDestinationPath: outside.path)
        #expect(try failure { try fixture.put("link/new", "x") }?.code == .invalidKey)
        #expect(try fixture.read("link/precious") == nil)
        try fixture.session.delete(try ObjectKey("link/precious"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == ["precious"])
        #expect(try fixture.keys() == [])
    }

    /// A symbolic link in an object's place is no object; a put replaces the link and leaves its target alone.
    @Test func linkedObjectsAreReplaced() throws {
        let fixture = try DirectoryFixture()
        let outside = try TemporaryDirectory()
        let target = "\(outside.path)/target"
        #expect(FileManager.default.createFile(atPath: target, contents: Data("outside".utf8)))
        try FileManager.default.createSymbolicLink(atPath: fixture.path("link"), withDestinationPath: target)
        #expect(try fixture.read("link") == nil)
        #expect(try fixture.keys() == [])
        try fixture.put("link", "inside")
        #expect(try fixture.read("link")?.text == "inside")
        #expect(try String(contentsOfFile: target, encoding: .utf8) == "outside")
    }

    /// A put that shall replace nothing leaves a link alone and says what is in the way.
    @Test func linksAreInTheWayOfNewObjects() throws {
        let fixture = try DirectoryFixture()
        try FileManager.default.createSymbolicLink(atPath: fixture.path("link"), withDestinationPath: "/nowhere")
        let error = try #require(try failure { try fixture.putIfAbsent("link", "x") })
        #expect(error.code == .invalidKey && error.message.contains("symbolic link"))
        #expect(try fixture.files(in: ".artifactd/tmp") == [])
    }

    /// A FIFO is no object, and nobody waits for its other end.
    @Test func pipesAreNoObjects() throws {
        let fixture = try DirectoryFixture()
        #expect(mkfifo(fixture.path("pipe"), 0o600) == 0)
        #expect(try fixture.read("pipe") == nil)
        #expect(try fixture.keys() == [])
    }

    /// A file that somebody else cuts short while it is read ends the read in an error, not in fewer bytes.
    @Test func shrinkingFilesAreAnError() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("shrinking", String(repeating: "x", count: 3 << 20))
        let path = fixture.path("shrinking")
        let error = try #require(
            try failure {
                try fixture.session.get(try ObjectKey("shrinking")) { _, bytes in
                    if bytes.isEmpty { truncate(path, 2 << 20) }
                }
            })
        #expect(error.code == .storeUnavailable)
    }

    // MARK: - Directories

    /// A deletion takes along the directories it empties, up to the root and not further.
    @Test func emptiedDirectoriesGo() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("a/b/c/d", "1")
        try fixture.put("a/e", "2")
        try fixture.session.delete(try ObjectKey("a/b/c/d"))
        #expect(try fixture.files(in: "") == [".artifactd", "a"])
        #expect(try fixture.files(in: "a") == ["e"])
        #expect(try fixture.files(in: ".artifactd/meta/a") == ["e.json"])
        try fixture.session.delete(try ObjectKey("a/e"))
        #expect(try fixture.files(in: "") == [".artifactd"])
        #expect(try fixture.files(in: ".artifactd/meta") == [])
    }

    /// A root that is a file is refused at the start, by name.
    @Test func rootMustBeADirectory() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/file"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let error = try #require(try failure { try DirectoryStore(root: path) })
        #expect(error.message.contains(path))
        #expect(!error.code.isTransient)
    }

    // MARK: - Errors of the kernel

    /// What the kernel refuses says whether trying again can help.
    @Test(arguments: [
        (ENOSPC, ArtifactError.Code.storeUnavailable), (EDQUOT, .storeUnavailable), (EIO, .storeUnavailable),
        (EMFILE, .storeUnavailable), (ESTALE, .storeUnavailable), (EROFS, .storeUnavailable), (EACCES, .storeUnavailable),
        (EPERM, .storeUnavailable), (ENOTCONN, .storeUnavailable), (EHOSTUNREACH, .storeUnavailable),
        (EUCLEAN, .storeUnavailable),
        (ENAMETOOLONG, .invalidKey), (EXDEV, .storeRejected),
    ])
    func kernelErrorsAreTranslated(_ number: Int32, _ code: ArtifactError.Code) {
        let error = ArtifactError(
            SystemError(call: "write", errno: number, detail: "name"), doing: "store 'key'", root: "/the/root")
        #expect(error.code == code)
        #expect(error.message.contains("/the/root") && error.message.contains("'key'"))
        #expect(error.cause?.contains("write") == true)
    }

    // MARK: - Parts

    /// Parts that leave a hole, or that reach beyond what a file can hold, are refused.
    @Test func holesAreRefused() throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("holey")
        let first = try fixture.send("12", as: 1, at: 0, of: "holey", to: upload)
        let second = try fixture.send("34", as: 2, at: 3, of: "holey", to: upload)
        #expect(try failure { try fixture.complete("holey", upload, [first, second]) }?.code == .storeRejected)
        #expect(try failure { try fixture.complete("holey", upload, []) }?.code == .storeRejected)
        #expect(try failure { try fixture.complete("holey", upload, [second]) }?.code == .storeRejected)
        for (number, offset) in [(0, 0), (10_001, 0), (1, UInt64.max)] {
            #expect(
                try failure { try fixture.send("x", as: number, at: offset, of: "holey", to: upload) }?.code == .storeRejected)
        }
        #expect(try fixture.read("holey") == nil)
    }

    /// A completion that the key's place forbids leaves the upload open.
    @Test func failedCompletionsLeaveTheUploadOpen() throws {
        let fixture = try DirectoryFixture()
        let upload = try fixture.begin("place")
        let part = try fixture.send("text", as: 1, at: 0, of: "place", to: upload)
        try fixture.put("place/taken", "meanwhile")
        #expect(try failure { try fixture.complete("place", upload, [part]) }?.code == .invalidKey)
        try fixture.session.delete(try ObjectKey("place/taken"))
        try fixture.complete("place", upload, [part])
        #expect(try fixture.read("place")?.text == "text")
    }
}
