import ArtifactModel
import Testing

@Suite struct ArtifactErrorTests {
    /// Every code has a name of its own in snake case, fit for a metric's label.
    @Test func codesHaveNames() {
        let names = ArtifactError.Code.allCases.map(\.description)
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.allSatisfy { $0 == "_" || ("a"..."z").contains($0) }) }
    }

    /// What a person can only cure is not tried again by itself.
    @Test func permanentCodesAreNotTransient() {
        for code in [.invalidKey, .sourceChanged, .sourceUnreadable, .noSuchBucket, .storeDenied, .denied] as [ArtifactError.Code]
        {
            #expect(!code.isTransient)
        }
        for code in [.busy, .storeUnavailable, .storeThrottled, .shuttingDown] as [ArtifactError.Code] {
            #expect(code.isTransient)
        }
    }

    /// The text is the message, with the cause behind it when there is one.
    @Test func textShowsTheCause() {
        #expect(ArtifactError(.busy, "the queue is full").description == "the queue is full")
        #expect(ArtifactError(.busy, "the queue is full", cause: "10 jobs").description == "the queue is full (10 jobs)")
    }
}
