import ArtifactWire

extension StatusReport.ByState {
    /// Jobs, or the bytes of their sources, as the status document has them.
    init(_ counters: StateCounters, _ field: KeyPath<StateCounters.Count, UInt64>) {
        self.init(
            accepted: counters[.accepted][keyPath: field], uploading: counters[.uploading][keyPath: field],
            stored: counters[.stored][keyPath: field], failed: counters[.failed][keyPath: field],
            cancelled: counters[.cancelled][keyPath: field])
    }
}
