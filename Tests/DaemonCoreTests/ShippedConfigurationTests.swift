import ArtifactModel
import Foundation
import Testing

@testable import DaemonCore

/// `systemd/artifactd.yaml`, which every installation begins with.
struct ShippedConfigurationTests {
    private static func lines() throws -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "systemd/artifactd.yaml"), encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Installed as it is, the file changes nothing.
    @Test func saysNothingAsItIs() throws {
        let file = try ConfigurationSource(yaml: Self.lines().joined(separator: "\n"), name: "artifactd.yaml")
        #expect(file.values.isEmpty)
        #expect(file.destinations == nil)
        #expect(file.peers == nil)
    }

    /// Without the marks of comment the file names every key, with the value that the program takes by itself; where that
    /// depends on something else, with the one that the text beside it says.
    @Test func showsEveryKeyWithItsDefault() throws {
        let setting = /# ( *[a-z0-9_]+:( .*)?| +- .*)/
        let settings = try Self.lines().compactMap { try setting.wholeMatch(in: $0).map { String($0.1) } }
        let file = try ConfigurationSource(yaml: settings.joined(separator: "\n"), name: "artifactd.yaml")
        #expect(Set(file.values.keys) == Set(ConfigurationSource.Key.allCases))
        #expect(file.destinations?.isEmpty == true)
        #expect(file.peers?.count == 2)

        let shown = try Configuration.resolve([file], environment: [:])
        var expected = Configuration(
            socket: "/run/artifactd/artifactd.sock", state: "/var/lib/artifactd",
            store: try StoreLocation(url: "file:///var/lib/artifactd/store"))
        expected.compression = .auto
        expected.descriptors = 64_000
        expected.s3.pathStyle = true
        expected.peers = shown.peers
        #expect(shown == expected)
    }
}
