import ArtifactWire

/// Prometheus' text format, version 0.0.4: each metric's help and type once, then its samples.
struct MetricsText {
    enum Kind: String { case counter, gauge, histogram }

    /// One sample: its labels and its value.
    struct Sample {
        var labels: [(name: String, value: String)] = []
        var value: Double

        init(_ value: Double, _ labels: (name: String, value: String)...) {
            self.labels = labels
            self.value = value
        }

        init(_ value: some BinaryInteger, _ labels: (name: String, value: String)...) {
            self.labels = labels
            self.value = Double(value)
        }
    }

    private(set) var text = ""

    /// Writes a metric; nothing where it has no samples.
    mutating func write(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        head(name, kind, help)
        for sample in samples { line(name, sample.labels, sample.value) }
    }

    mutating func write(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
        write(name, kind, help, [Sample(Double(value))])
    }

    /// Writes a histogram of one or more series.
    mutating func write(
        _ name: String, _ help: String, _ series: [(labels: [(name: String, value: String)], histogram: Histogram)]
    ) {
        guard !series.isEmpty else { return }
        head(name, .histogram, help)
        for (labels, histogram) in series {
            var count: UInt64 = 0
            for (bound, inBucket) in zip(histogram.bounds, histogram.counts) {
                count += inBucket
                line(name + "_bucket", labels + [("le", Self.number(bound))], Double(count))
            }
            count += histogram.counts.last ?? 0
            line(name + "_bucket", labels + [("le", "+Inf")], Double(count))
            line(name + "_sum", labels, histogram.sum)
            line(name + "_count", labels, Double(count))
        }
    }

    private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",") + "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// Whole numbers without a fraction, as people and `promtool` like them.
    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
