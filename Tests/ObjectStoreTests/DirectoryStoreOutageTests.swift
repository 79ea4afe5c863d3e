import ArtifactModel
import Foundation
import ObjectStore
import TestSupport
import Testing

/// A store whose directory went away: the calls wait for it, and nothing takes its place.
@Suite struct DirectoryStoreOutageTests {
    /// While the file system is away, each call says so and tells the way out; nothing is made below the empty mount point, and what
    /// is not seen there is not said to be missing. Once it is back, all goes on.
    @Test(arguments: Absence.allCases)
    func outagesAreWaitedFor(_ absence: Absence) throws {
        let fixture = try DirectoryFixture()
        try fixture.put("present", "text", encoding: .gzip)
        let upload = try fixture.begin("a/b")
        let first = try fixture.send("one", as: 1, at: 0, of: "a/b", to: upload)

        try absence.begin(fixture)
        for (name, call) in try Self.calls(fixture, upload, first) {
            let error = try #require(try failure(of: call), "\(name)")
            #expect(error.code == .storeUnavailable, "\(name)")
            #expect(error.code.isTransient && error.message.contains("'\(fixture.root)'") && error.cause != nil, "\(name)")
            #expect(error.message.contains("mount"), "\(name)")
        }
        // An outage is no reason to refuse a job.
        try fixture.store.checkKey(try ObjectKey("a/c"))
        #expect((FileManager.default.subpaths(atPath: fixture.root) ?? []) == (absence == .markLost ? ["present"] : []))

        try absence.end(fixture)
        #expect(try #require(try fixture.read("present")) == ("text", .gzip))
        let second = try fixture.send("two", as: 2, at: 3, of: "a/b", to: upload)
        try fixture.complete("a/b", upload, [first, second])
        #expect(try fixture.read("a/b")?.text == "onetwo")
    }

    /// A store that was there before is not begun anew in another place: it opens without its directory and waits for it.
    @Test func knownStoresAreNotBegunAnew() throws {
        let fixture = try DirectoryFixture()
        try fixture.put("present", "text")
        try Absence.gone.begin(fixture)
        let restarted = try DirectoryStore(root: fixture.root, beginning: false)
        let key = try ObjectKey("present")
        #expect(try failure { try restarted.makeSession().head(key) }?.code == .storeUnavailable)
        #expect(!FileManager.default.fileExists(atPath: fixture.root))
        try Absence.gone.end(fixture)
        #expect(try restarted.makeSession().head(key)?.size == 4)
        // The way out of a loss for good, as the error tells it.
        try Absence.gone.begin(fixture)
        try FileManager.default.createDirectory(atPath: fixture.path(".artifactd/meta"), withIntermediateDirectories: true)
        let anew = try DirectoryStore(root: fixture.root, beginning: false)
        #expect(try anew.makeSession().head(key) == nil)
        #expect(try anew.makeSession().list(prefix: "", after: nil, limit: 1).entries == [])
    }

    private static func calls(
        _ fixture: DirectoryFixture, _ upload: String, _ part: PartReceipt
    ) throws -> [(name: String, call: () throws -> Void)] {
        let (key, session) = (try ObjectKey("a/b"), fixture.session)
        return [
            ("put", { try fixture.put("new/object", "x") }),
            ("put at the root", { try fixture.put("new", "x") }),
            ("putIfAbsent", { try fixture.putIfAbsent("new", "x") }),
            ("createUpload", { _ = try fixture.begin("new/upload") }),
            ("uploadPart", { _ = try fixture.send("x", as: 2, at: 3, of: "a/b", to: upload) }),
            ("completeUpload", { try fixture.complete("a/b", upload, [part]) }),
            ("abortUpload", { try session.abortUpload(key: key, uploadID: upload) }),
            ("listParts", { _ = try session.listParts(key: key, uploadID: upload) }),
            ("listUploads", { _ = try session.listUploads(key: key) }),
            ("head", { _ = try session.head(try ObjectKey("present")) }),
            ("head below", { _ = try session.head(try ObjectKey("run/present")) }),
            ("get", { try session.get(try ObjectKey("present")) { _, _ in } }),
            ("list", { _ = try session.list(prefix: "", after: nil, limit: 10) }),
            ("list below", { _ = try session.list(prefix: "run/", after: nil, limit: 10) }),
            ("delete", { try session.delete(try ObjectKey("present")) }),
        ]
    }
}

/// A way in which a store's directory can be away.
enum Absence: CaseIterable {
    case gone, emptyMountPoint, otherFile, markLost

    func begin(_ fixture: DirectoryFixture) throws {
        let files = FileManager.default
        let away = "\(fixture.directory.path)/away"
        if self == .markLost { return try files.moveItem(atPath: fixture.path(".artifactd"), toPath: away) }
        try files.moveItem(atPath: fixture.root, toPath: away)
        switch self {
        case .emptyMountPoint: try files.createDirectory(atPath: fixture.root, withIntermediateDirectories: false)
        case .otherFile: #expect(files.createFile(atPath: fixture.root, contents: nil))
        case .gone, .markLost: break
        }
    }

    func end(_ fixture: DirectoryFixture) throws {
        let files = FileManager.default
        let away = "\(fixture.directory.path)/away"
        if self == .markLost { return try files.moveItem(atPath: away, toPath: fixture.path(".artifactd")) }
        if self != .gone { try files.removeItem(atPath: fixture.root) }
        try files.moveItem(atPath: away, toPath: fixture.root)
    }
}
