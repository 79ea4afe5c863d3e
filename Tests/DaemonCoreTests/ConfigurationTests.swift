import ArtifactModel
import LinuxSystem
import TestSupport
import Testing

@testable import DaemonCore

/// Users that are the same on every machine.
private struct FewUsers: UserDatabase {
    func uid(ofUser name: String) -> UInt32? { name == "trainer" ? 1000 : nil }
    func gid(ofGroup name: String) -> UInt32? { name == "ml" ? 2000 : nil }
}

@Suite struct ConfigurationTests {
    private let base = ["ARTIFACTD_SOCKET": "/s", "ARTIFACTD_STATE": "/d"]

    private func yaml(_ text: String) throws -> ConfigurationSource {
        try ConfigurationSource(yaml: text, name: "test.yaml", users: FewUsers())
    }

    private func resolve(_ text: String) throws -> Configuration {
        try Configuration.resolve([ConfigurationSource(environment: base), try yaml(text)], environment: [:])
    }

    /// The command line counts more than the environment, and that more than the file.
    @Test func precedence() throws {
        var flags = ConfigurationSource()
        flags.set(.workers, flag: "--workers", "3")
        flags.set(.socket, flag: "--socket", nil)
        let environment = ConfigurationSource(
            environment: base.merging(["ARTIFACTD_WORKERS": "5", "ARTIFACTD_QUEUE_JOBS": "6"]) { $1 })
        let file = try yaml("workers: 7\nqueue_jobs: 8\nconnections: 9\nsocket: /elsewhere\n")
        let found = try Configuration.resolve([flags, environment, file], environment: [:])
        #expect(found.workers == 3)
        #expect(found.queueJobs == 6)
        #expect(found.connections == 9)
        #expect(found.socket == "/s")
        #expect(found.store == .directory(path: "/d/store"))
    }

    /// Every key of the file reaches its setting.
    @Test func everyKey() throws {
        let found = try resolve(
            """
            store: s3://bucket/prefix
            destinations:
              - s3://other
              - file:///shared
            compression: gzip
            on_change: restart
            workers: 2
            buffers: 128MiB
            part_size: 16 MiB
            queue_jobs: 10
            queue_bytes: 1TiB
            inline_limit: 4KiB
            spool_quota: 2GiB
            connections: 11
            requests_per_connection: 12
            descriptors: 13
            retention: 12h
            retention_jobs: 14
            log_level: debug
            peers:
              - {user: trainer, tenants: [acme, beta]}
              - {group: ml, tenants: "*"}
              - {uid: 7, tenants: [x]}
            s3:
              integrity: sha256
              path_style: true
              payload_signing: always
            """)
        var expected = Configuration(socket: "/s", state: "/d", store: .s3(bucket: "bucket", prefix: "prefix"))
        expected.destinations = [.s3(bucket: "other", prefix: ""), .directory(path: "/shared")]
        expected.compression = .gzip
        expected.changePolicy = .restart
        expected.workers = 2
        expected.buffers = 128 << 20
        expected.partSize = 16 << 20
        expected.queueJobs = 10
        expected.queueBytes = 1 << 40
        expected.inlineLimit = 4 << 10
        expected.spoolQuota = 2 << 30
        expected.connections = 11
        expected.requestsPerConnection = 12
        expected.descriptors = 13
        expected.retention = 12 * 3_600_000
        expected.retentionJobs = 14
        expected.logLevel = .debug
        expected.peers = [
            PeerRule(subject: .uid(1000), tenants: ["acme", "beta"]), PeerRule(subject: .gid(2000), tenants: nil),
            PeerRule(subject: .uid(7), tenants: ["x"]),
        ]
        expected.s3.integrity = .sha256
        expected.s3.pathStyle = true
        expected.s3.payloadSigning = .always
        #expect(found == expected)
    }

    /// Each key can stand in the environment.
    @Test func everyVariable() throws {
        let values: [ConfigurationSource.Key: String] = [
            .store: "file:///x", .compression: "auto", .s3Integrity: "md5", .logLevel: "error", .retention: "90s",
        ]
        let variables = Dictionary(uniqueKeysWithValues: values.map { ($0.key.variable, $0.value) })
        #expect(variables["ARTIFACTD_S3_INTEGRITY"] == "md5")
        let source = ConfigurationSource(environment: base.merging(variables) { $1 })
        let found = try Configuration.resolve([source], environment: [:])
        #expect(found.store == .directory(path: "/x"))
        #expect(found.compression == .auto)
        #expect(found.s3.integrity == .md5)
        #expect(found.logLevel == .error)
        #expect(found.retention == 90_000)
    }

    /// A value that cannot be is refused with its place, its key and what would do.
    @Test(arguments: [
        ("workers: many", "test.yaml:1: workers is 'many'"),
        ("\n\nbuffers: 64 megs", "test.yaml:3: buffers is '64 megs'"),
        ("retention: 7", "test.yaml:1: retention is '7'"),
        ("compression: brotli", "none, gzip, zstd or auto"),
        ("log_level: loud", "log_level is 'loud'"),
        ("store: http://x", "unknown scheme"),
        ("s3:\n  path_style: perhaps", "test.yaml:2: s3.path_style is 'perhaps'"),
        ("workers: 0", "workers is 0"),
        ("buffers: 1MiB", "at least 32MiB"),
        ("part_size: 1MiB", "part_size is 1048576 bytes"),
        ("buffers: 32MiB\npart_size: 17MiB", "half of buffers"),
        ("inline_limit: 1MiB", "inline_limit"),
        ("queue_jobs: 0", "queue_jobs"),
        ("connections: 0", "connections"),
        ("workers: 3\ndescriptors: -1", "test.yaml:2: descriptors is -1"),
        ("retention_jobs: -1", "test.yaml:1: retention_jobs is -1"),
        ("destinations:\n  - s3://good\n  - ftp://x", "test.yaml:3: destinations: store 'ftp://x'"),
        ("requests_per_connection: 0", "requests_per_connection"),
    ])
    func badValues(text: String, part: String) throws {
        let refusal = failure { _ = try resolve(text) }
        #expect(refusal?.code == .invalidRequest)
        #expect(refusal?.message.contains(part) == true, "\(refusal?.message ?? "accepted")")
    }

    /// What is no configuration at all is refused with file and line.
    @Test(arguments: [
        ("wrokers: 3", "test.yaml:1: unknown key 'wrokers'"),
        ("workers: 1\n# more\nworkers: 2", "test.yaml:3: the key 'workers' stands twice"),
        ("s3:\n  integrity: md5\n  integrity : md5", "test.yaml:3: the key 'integrity' stands twice"),
        ("peers:\n  - {uid: 1, uid: 2, tenants: [a]}", "test.yaml:2: the key 'uid' stands twice"),
        ("a: [1, 2", "test.yaml:"),
        ("workers: 1\n\tqueue_jobs: 1", "test.yaml:2: found a tab"),
        ("- a\n- b", "no mapping"),
        ("workers: [1]", "test.yaml:1: workers takes one value"),
        ("s3: yes", "s3 is no mapping"),
        ("s3:\n  bucket: x", "test.yaml:2: unknown key 's3.bucket'"),
        ("destinations: s3://x", "destinations is no list"),
        ("peers: {}", "peers is no list"),
        ("peers:\n  - {user: nobody-here, tenants: [a]}", "no user 'nobody-here'"),
        ("peers:\n  - {group: nobody-here, tenants: [a]}", "no group 'nobody-here'"),
        ("peers:\n  - {uid: x, tenants: [a]}", "'x' is no uid"),
        ("peers:\n  - {uid: 1}", "lacks its subject or its tenants"),
        ("peers:\n  - {uid: 1, tenants: []}", "neither a list"),
        ("peers:\n  - {uid: 1, tenants: [a], admin: true}", "unknown key 'admin'"),
    ])
    func badFiles(text: String, part: String) throws {
        let refusal = failure { _ = try yaml(text) }
        #expect(refusal?.code == .invalidRequest)
        #expect(refusal?.message.contains(part) == true, "\(refusal?.message ?? "accepted")")
        #expect(refusal?.message.contains("test.yaml") == true)
    }

    /// Paths may be written as every tool takes them, and mean the same place.
    @Test(arguments: ["/d", "/d/", "//d", "/./d", "/x/../d", "/../d", "/d/.", "/x//..//d//"])
    func pathSpellings(text: String) throws {
        for store in [text + "/store", "file://" + text + "/store", "file://" + text + "//store/"] {
            let source = ConfigurationSource(
                environment: ["ARTIFACTD_SOCKET": text + "/s", "ARTIFACTD_STATE": text, "ARTIFACTD_STORE": store])
            let found = try Configuration.resolve([source], environment: [:])
            #expect(found == Configuration(socket: "/d/s", state: "/d", store: .directory(path: "/d/store")))
        }
    }

    /// A relative path means the one below the current directory.
    @Test(arguments: [("a", "/a"), ("./a/", "/a"), ("a/./b//c", "/a/b/c"), ("a/../b", "/b"), (".", "")])
    func relativePaths(text: String, expected: String) throws {
        let here = try System.currentDirectory()
        let store = text.hasPrefix(".") ? text : "./" + text
        let source = ConfigurationSource(
            environment: ["ARTIFACTD_SOCKET": "/s", "ARTIFACTD_STATE": text, "ARTIFACTD_STORE": store])
        let found = try Configuration.resolve([source], environment: [:])
        #expect(found.state == here + expected)
        #expect(found.store == .directory(path: here + expected))
    }

    /// A bare word is no store: it may be a bucket that lacks its scheme.
    @Test(arguments: ["bucket", "bucket/prefix", "s3:/bucket", "file://bucket", "file:bucket"])
    func noStores(text: String) throws {
        let source = ConfigurationSource(environment: base.merging(["ARTIFACTD_STORE": text]) { $1 })
        let refusal = failure { _ = try Configuration.resolve([source], environment: [:]) }
        #expect(refusal?.code == .invalidRequest)
        #expect(refusal?.message.hasPrefix("ARTIFACTD_STORE: ") == true)
    }

    /// A variable that looks like a setting and is none is told of, with the one that may be meant; the clients' own are not.
    @Test func unknownVariables() {
        let environment = [
            "ARTIFACTD_WORKRES": "8", "ARTIFACTD_WORKERS": "8", "ARTIFACTD_SOCKET": "/s", "ARTIFACTD_CONFIG": "/c", "PATH": "/",
            "ARTIFACTD_OFFLINE_DIR": "/o", "ARTIFACTD_SOMETHING_ELSE": "1", "ARTIFACTD": "1",
        ]
        let notices = ConfigurationSource.unknownVariables(in: environment)
        #expect(notices.count == 2)
        #expect(notices.first?.contains("ARTIFACTD_SOMETHING_ELSE") == true && notices.first?.contains("meant") == false)
        #expect(notices.last?.contains("ARTIFACTD_WORKRES") == true)
        #expect(notices.last?.hasSuffix("is ARTIFACTD_WORKERS meant?") == true)
    }

    /// An empty file, or one of comments alone, says nothing.
    @Test(arguments: ["", "# nothing\n", "---\n"])
    func emptyFiles(text: String) throws {
        #expect(try resolve(text) == Configuration(socket: "/s", state: "/d", store: .directory(path: "/d/store")))
    }

    /// A file that is missing, no text or endless is refused by its name.
    @Test func unreadableFiles() throws {
        let directory = try TemporaryDirectory()
        try Rig.write([0xFF, 0xFE], to: directory.path + "/bytes.yaml")
        for path in [directory.path + "/missing.yaml", directory.path + "/bytes.yaml", directory.path] {
            let refusal = failure { _ = try ConfigurationSource(file: path) }
            #expect(refusal?.code == .invalidRequest)
            #expect(refusal?.message.contains(path) == true)
        }
    }

    /// Sizes as people write them, and what is none.
    @Test(arguments: [
        ("65536", 65536 as UInt64?), ("64KiB", 64 << 10), ("64 MiB", 64 << 20), ("1GiB", 1 << 30), ("2T", 2 << 40), ("0", 0),
        ("7B", 7),
        ("", nil), ("MiB", nil), ("-1", nil), ("1.5GiB", nil), ("1 mib", nil), ("18446744073709551615KiB", nil), ("1e3", nil),
    ])
    func sizes(text: String, expected: UInt64?) {
        #expect(ByteSize.parse(text) == expected)
    }

    /// Lengths of time as people write them, and what is none.
    @Test(arguments: [
        ("90s", 90_000 as Int64?), ("15m", 900_000), ("12h", 43_200_000), ("7d", 604_800_000), ("0s", 0), ("7", nil), ("", nil),
        ("-1s", nil), ("1w", nil), ("9223372036854775807d", nil), ("d", nil),
    ])
    func durations(text: String, expected: Int64?) {
        #expect(DaemonCore.Duration.milliseconds(text) == expected)
    }

    /// Where things usually are, for root and for others; without any place the flag is asked for.
    @Test func defaultPlaces() throws {
        #expect(DefaultPaths(environment: [:], isRoot: true).state == "/var/lib/artifactd")
        #expect(DefaultPaths(environment: ["STATE_DIRECTORY": "/x"], isRoot: true).state == "/x")
        let own = DefaultPaths(environment: ["XDG_RUNTIME_DIR": "/run/user/1", "HOME": "/home/a"], isRoot: false)
        #expect(own.socket == "/run/user/1/artifactd/artifactd.sock")
        #expect(own.state == "/home/a/.local/state/artifactd")
        #expect(DefaultPaths(environment: ["HOME": "relative"], isRoot: false).state == nil)
    }
}
