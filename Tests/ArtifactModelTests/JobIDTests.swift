import ArtifactModel
import Testing

@Suite struct JobIDTests {
    /// The text form is RFC 9562's, and reading it gives the same id; upper case is read too.
    @Test func textFormGoesThereAndBack() throws {
        // Source: RFC 9562, appendix A.6.
        let text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
        let id = try #require(JobID(text))
        #expect(id == JobID(high: 0x017F_22E2_79B0_7CC3, low: 0x98C4_DC0C_0C07_398F))
        #expect(id.description == text)
        #expect(JobID(text.uppercased()) == id)
    }

    /// A new id is a UUID of version 7 and variant 10 that holds the given time.
    @Test func newIDHoldsItsTime() {
        let time: Int64 = 1_645_557_742_000
        for _ in 0..<1000 {
            let id = JobID.make(unixMilliseconds: time)
            #expect(Int64(id.high >> 16) == time)
            #expect(id.high >> 12 & 0xF == 7)
            #expect(id.low >> 62 == 0b10)
        }
    }

    /// Ids made in the same millisecond differ.
    @Test func newIDsAreUnique() {
        let ids = Set((0..<10_000).map { _ in JobID.make(unixMilliseconds: 1) })
        #expect(ids.count == 10_000)
    }

    /// Ids sort by time, and so do their texts.
    @Test func orderFollowsTime() {
        let ids = [0, 1, 999, 1_700_000_000_000, 1_700_000_000_001].map { JobID.make(unixMilliseconds: $0) }
        #expect(ids.sorted() == ids)
        #expect(ids.map(\.description).sorted() == ids.map(\.description))
    }

    /// The sixteen bytes are big-endian and come back as the same id; another count is no id.
    @Test func bytesGoThereAndBack() {
        let id = JobID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10)
        #expect(id.bytes == Array(1...16))
        #expect(JobID(bytes: id.bytes) == id)
        #expect(JobID(bytes: id.bytes.dropLast()) == nil)
        #expect(JobID(bytes: id.bytes + [0]) == nil)
    }

    /// What is not an id is told apart from one.
    @Test(arguments: [
        "", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f-", "+17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4dc-0c0c07398f",
        "０17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    ])
    func otherTextIsNoID(text: String) {
        #expect(JobID(text) == nil)
    }
}
