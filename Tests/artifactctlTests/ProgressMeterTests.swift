import Testing

@testable import artifactctl

@Suite("ProgressMeter")
struct ProgressMeterTests {
    private static let second: UInt64 = 1_000_000_000

    /// With one sample nothing is claimed, and what stands still has no end in sight.
    @Test func claimsNothingWithoutMovement() {
        var meter = ProgressMeter()
        meter.note(0, at: Self.second)
        #expect(meter.rate == nil && meter.secondsLeft(of: 100) == nil)
        meter.note(0, at: 2 * Self.second)
        #expect(meter.rate == 0 && meter.secondsLeft(of: 100) == nil)
    }

    /// The rate is that of the last ten seconds: what was before is forgotten.
    @Test func followsChanges() {
        var meter = ProgressMeter()
        for second in 0...100 { meter.note(UInt64(second) * 1000, at: UInt64(second) * Self.second) }
        for second in 101...110 { meter.note(100_000 + UInt64(second - 100) * 10, at: UInt64(second) * Self.second) }
        #expect(meter.rate == 10)
        #expect(meter.secondsLeft(of: 100_200) == 10)
    }
}
