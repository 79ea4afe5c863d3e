// swift-tools-version: 6.2
import PackageDescription

/// Every target of this package: Swift 6, explicit `any`, imports internal unless said otherwise, and no warning left standing.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nio = ["NIOCore", "NIOPosix"].map { Target.Dependency.product(name: $0, package: "swift-nio") }
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")

/// A module of the daemon. Its dependencies are the whole list of what it may import (see README, "The house").
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
    name: "artifactd",
    products: [
        .executable(name: "artifactd", targets: ["artifactd"]),
        .executable(name: "artifactctl", targets: ["artifactctl"]),
        .executable(name: "artifact-gateway", targets: ["artifact-gateway"]),
        .library(name: "ArtifactClient", targets: ["ArtifactClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),

        module("ArtifactModel"),
        module("ArtifactWire", ["ArtifactModel"]),
        module("Logfmt", ["ArtifactModel", "LinuxSystem", logging]),
        module("LinuxSystem", ["CLinux"]),
        module("WorkerPool", ["LinuxSystem"]),
        module("Journal", ["ArtifactModel", "WorkerPool", grdb]),
        module("Pipeline", ["ArtifactModel", "LinuxSystem", "CZlib", "CZstd", "CISAL"]),
        module("ObjectStore", ["ArtifactModel", "LinuxSystem"]),
        module("S3", ["ArtifactModel", "ObjectStore", "CCurl", "COpenSSL"]),
        module(
            "DaemonCore",
            [
                "ArtifactModel", "ArtifactWire", "LinuxSystem", "WorkerPool", "Journal", "Pipeline", "ObjectStore", "S3",
                "Logfmt",
                logging, lifecycle, yams, .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ]),
        module("ArtifactClient", ["ArtifactModel", "ArtifactWire", "LinuxSystem"]),
        module("MultipartForm"),
        module(
            "GatewayCore",
            [
                "ArtifactModel", "ArtifactWire", "ArtifactClient", "LinuxSystem", "WorkerPool", "Pipeline", "MultipartForm",
                "Logfmt", "COpenSSL", lifecycle, logging, yams, httpTypes, nioHTTPTypes,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ] + nio),
        .executableTarget(
            name: "artifactd",
            dependencies: ["DaemonCore", "ArtifactModel", "LinuxSystem", "Logfmt", "S3", logging, lifecycle, arguments],
            swiftSettings: strict),
        .executableTarget(
            name: "artifactctl", dependencies: ["ArtifactClient", "ArtifactModel", "ArtifactWire", "LinuxSystem", arguments],
            swiftSettings: strict),
        .executableTarget(
            name: "artifact-gateway",
            dependencies: ["ArtifactModel", "GatewayCore", "LinuxSystem", "Logfmt", lifecycle, logging, arguments],
            swiftSettings: strict),

        .executableTarget(name: "null-s3", path: "Tests/NullS3", swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: ["ArtifactModel", "ObjectStore"], path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "ScriptedDaemon", dependencies: ["ArtifactModel", "ArtifactWire", "LinuxSystem"], path: "Tests/ScriptedDaemon",
            swiftSettings: strict),
        tests("ArtifactModelTests", ["ArtifactModel"]),
        tests("ArtifactWireTests", ["ArtifactModel", "ArtifactWire"]),
        tests("LinuxSystemTests", ["LinuxSystem"]),
        tests("WorkerPoolTests", ["LinuxSystem", "WorkerPool"]),
        tests("JournalTests", ["ArtifactModel", "Journal", "WorkerPool", grdb]),
        tests("PipelineTests", ["ArtifactModel", "LinuxSystem", "Pipeline", "TestSupport"]),
        tests("ObjectStoreTests", ["ArtifactModel", "LinuxSystem", "ObjectStore", "S3", "TestSupport"]),
        tests("S3Tests", ["ArtifactModel", "ObjectStore", "S3", "TestSupport"]),
        tests(
            "DaemonCoreTests",
            [
                "ArtifactModel", "ArtifactWire", "DaemonCore", "Journal", "LinuxSystem", "ObjectStore", "Pipeline", "TestSupport",
                "WorkerPool", logging,
            ]),
        tests(
            "ArtifactClientTests",
            ["ArtifactClient", "ArtifactModel", "ArtifactWire", "LinuxSystem", "ScriptedDaemon", "TestSupport"]),
        tests("LogfmtTests", ["Logfmt"]),
        tests("MultipartFormTests", ["MultipartForm"]),
        tests(
            "GatewayCoreTests",
            [
                "ArtifactClient", "ArtifactModel", "ArtifactWire", "GatewayCore", "LinuxSystem", "Pipeline", "ScriptedDaemon",
                "TestSupport",
                httpTypes,
            ] + nio),
        tests(
            "artifactctlTests",
            [
                "ArtifactClient", "ArtifactModel", "ArtifactWire", "LinuxSystem", "ScriptedDaemon", "TestSupport", "artifactctl",
                arguments,
            ]),
    ]
)
