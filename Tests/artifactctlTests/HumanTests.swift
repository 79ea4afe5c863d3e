import Testing

@testable import artifactctl

@Suite("Human")
struct HumanTests {
    /// Sizes have at most four digits, and none is shown as 1024 of a unit.
    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (10_239, "10 KiB"), (1_048_575, "1.0 MiB"),
            (67_108_864, "64 MiB"), (1_610_612_736, "1.5 GiB"), (UInt64.max, "16 EiB"),
        ] as [(UInt64, String)])
    func sizes(_ bytes: UInt64, _ text: String) { #expect(Human.size(bytes) == text) }

    /// A span shows its two leading units; one that cannot be is none.
    @Test(
        arguments: [
            (-5, "0s"), (0.4, "0s"), (59.4, "59s"), (60, "1m00s"), (187, "3m07s"), (18_240, "5h04m"), (1_047_600, "12d03h"),
        ] as [(Double, String)])
    func durations(_ seconds: Double, _ text: String) { #expect(Human.duration(seconds) == text) }

    /// Moments are UTC to the second, those before 1970 too.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (1_700_000_000_999, "2023-11-14T22:13:20Z"), (951_782_400_000, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] as [(Int64, String)])
    func moments(_ milliseconds: Int64, _ text: String) { #expect(Human.moment(milliseconds) == text) }

    /// The bar is full only when all is done, and keeps its width.
    @Test(
        arguments: [
            (0, "[          ]"), (0.1, "[>         ]"), (0.55, "[====>     ]"), (0.999, "[========> ]"), (1, "[==========]"),
            (7, "[==========]"), (-1, "[          ]"),
        ] as [(Double, String)])
    func bars(_ fraction: Double, _ text: String) { #expect(Human.bar(fraction, width: 10) == text) }

    /// 100 % means all; a source of no bytes is all done.
    @Test func percents() {
        #expect(Human.percent(999, of: 1000) == "99%")
        #expect(Human.percent(1000, of: 1000) == "100%")
        #expect(Human.percent(1001, of: 1000) == "100%")
        #expect(Human.percent(0, of: 0) == "100%")
    }
}
