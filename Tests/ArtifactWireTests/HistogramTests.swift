import ArtifactWire
import Foundation
import Testing

struct HistogramTests {
    /// A value belongs to the first bucket whose bound it does not pass, beyond all to the last one.
    @Test func counts() {
        var histogram = Histogram(bounds: [0.1, 1])
        for seconds in [0, 0.1, 0.2, 1, 1.5] { histogram.add(seconds) }
        #expect(histogram.counts == [2, 2, 1] && histogram.count == 5 && abs(histogram.sum - 2.8) < 1e-9)
    }

    /// A quantile is the bound of the bucket in which it lies.
    @Test func quantiles() {
        var histogram = Histogram(bounds: [0.1, 1])
        #expect(histogram.quantile(0.5) == nil)
        for _ in 0..<98 { histogram.add(0.05) }
        histogram.add(0.5)
        histogram.add(7)
        #expect(histogram.quantile(0) == 0.1 && histogram.quantile(0.98) == 0.1)
        #expect(histogram.quantile(0.99) == 1 && histogram.quantile(1) == .infinity)
    }

    /// A document that contradicts itself is none.
    @Test func decodes() throws {
        let good = Data(#"{"bounds": [1], "counts": [2, 3], "sum": 4}"#.utf8)
        #expect(try JSONDecoder().decode(Histogram.self, from: good).counts == [2, 3])
        let bad = Data(#"{"bounds": [1], "counts": [2], "sum": 4}"#.utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Histogram.self, from: bad) }
    }
}
