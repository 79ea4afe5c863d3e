/// What is known of the search for a group's members on other nodes.
struct MemberSearch {
    /// When to look again, in monotonic nanoseconds; nil for the next pass.
    var nextLook: UInt64?
    /// The members' documents that say what they should, by name and ETag: each is read once.
    var agreeing: Set<String> = []
}
