import ArtifactModel
import Foundation
import ObjectStore
import Synchronization
import TestSupport
import Testing

/// Several daemons on one directory, each a `DirectoryStore` of its own.
@Suite struct SharedDirectoryTests {
    /// Of two that put one key at the same moment, the object of one remains, and its headers with it.
    @Test func theLastObjectHasItsHeaders() throws {
        let fixture = try DirectoryFixture()
        let root = fixture.root
        let encodings: [ContentEncoding] = [.gzip, .zstd]
        for round in 0..<40 {
            try Threads.run(2) { daemon in
                let other = try DirectoryStore(root: root)
                let object = ObjectDescription(
                    key: try ObjectKey("latest"), contentType: "text/plain", encoding: encodings[daemon], metadata: [])
                let text = String(repeating: "x", count: 10 + daemon)
                _ = try Array(text.utf8).withUnsafeBytes { try other.makeSession().put(object, body: $0, check: nil) }
            }
            let (text, encoding) = try #require(try fixture.read("latest"))
            #expect(encoding == encodings[text.utf8.count - 10], "round \(round)")
        }
    }

    /// Of those that put one key if it is absent at the same moment, one does, and the object has its headers.
    @Test func oneCreatesAnObject() throws {
        let fixture = try DirectoryFixture()
        let root = fixture.root
        for round in 0..<20 {
            let winners = Mutex<[Int]>([])
            try Threads.run(3) { daemon in
                let other = try DirectoryStore(root: root)
                let object = ObjectDescription(
                    key: try ObjectKey("registry/\(round)"), contentType: "application/json", encoding: .identity, metadata: [])
                let stored = try Array("\(daemon)".utf8).withUnsafeBytes {
                    try other.makeSession().putIfAbsent(object, body: $0, check: nil)
                }
                if stored != nil { winners.withLock { $0.append(daemon) } }
            }
            let won = try #require(winners.withLock { $0.count == 1 ? $0.first : nil })
            #expect(try fixture.read("registry/\(round)")?.text == "\(won)")
            #expect(try fixture.session.head(try ObjectKey("registry/\(round)"))?.contentType == "application/json")
        }
        #expect(try fixture.files(in: ".artifactd/tmp") == [])
    }
}
