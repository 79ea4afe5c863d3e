import ArtifactModel

extension ObjectKey {
    /// Refuses what no key begins with: nothing would be found, and that would look like an answer.
    static func checkBeginning(_ prefix: String) throws(ArtifactError) {
        // A beginning is good where one more letter makes a key of it: `runs/`, and `.` for `.hidden`.
        let isWhole = !prefix.isEmpty && !prefix.hasSuffix("/") && !prefix.hasSuffix(".")
        do throws(ArtifactError) {
            _ = try ObjectKey(isWhole ? prefix : prefix + "x")
        } catch {
            throw ArtifactError(
                .invalidKey,
                "no object's key begins with '\(prefix.escapedForLog)': keys have no '.', '..' or empty component (nor a slash in "
                    + "front), no control characters, and at most \(ObjectKey.maximumBytes) bytes")
        }
    }
}
