/// What a frame says. An answer's number is its request's with bit 15 set.
public enum MessageType: UInt16, Sendable, CaseIterable {
    case hello = 0x0001
    case welcome = 0x8001
    case put = 0x0010
    case accepted = 0x8010
    case openSpool = 0x0011
    case spoolOpened = 0x8011
    case discardSpool = 0x0012
    case spoolDiscarded = 0x8012
    case wait = 0x0020
    case waited = 0x8020
    case listJobs = 0x0021
    case jobs = 0x8021
    case cancel = 0x0022
    case cancelled = 0x8022
    case retry = 0x0023
    case retried = 0x8023
    case status = 0x0030
    case statusReport = 0x8030
    case listObjects = 0x0040
    case objects = 0x8040
    case get = 0x0041
    case got = 0x8041
    case delete = 0x0042
    case deleted = 0x8042
    case error = 0xFFFF
}
