import ArtifactModel
import Testing

@Suite struct ArtifactKindTests {
    /// The kind follows from the extension as the product's documents list them, whatever its case.
    @Test(arguments: [
        ("a.pkl", ArtifactKind.model), ("a.joblib", .model), ("dir/epoch-3.pt", .model), ("a.h5", .model), ("a.onnx", .onnx),
        ("a.json", .configuration), ("a.yaml", .configuration), ("a.png", .plot), ("a.SVG", .plot), ("a.csv", .data),
        ("a.parquet", .data), ("a.txt", .report), ("README.md", .report), ("a.bin", .other), ("a.tar.gz", .other),
    ])
    func kindFollowsTheExtension(path: String, kind: ArtifactKind) {
        #expect(ArtifactKind(path: path) == kind)
    }

    /// Only an extension of the file's own name counts: not a directory's, not a hidden file's whole name, not a bare dot.
    @Test(arguments: ["", "pt", ".pt", "dir.pt/file", "dir/.json", "file."])
    func withoutAnExtensionItIsOther(path: String) {
        #expect(ArtifactKind(path: path) == .other)
    }

    /// The media type is stored with the object; unknown files are bytes.
    @Test(arguments: [
        ("a.json", "application/json"), ("a.png", "image/png"), ("a.svg", "image/svg+xml"), ("a.csv", "text/csv"),
        ("a.md", "text/markdown"), ("a.pt", "application/octet-stream"), ("noextension", "application/octet-stream"),
    ])
    func contentTypes(path: String, type: String) {
        #expect(ArtifactKind.contentType(path: path) == type)
    }

    /// Every kind is found again by its name, and the names differ.
    @Test func namesGoThereAndBack() {
        for kind in ArtifactKind.allCases { #expect(ArtifactKind(name: kind.description) == kind) }
        #expect(ArtifactKind(name: "Model") == nil)
    }
}
