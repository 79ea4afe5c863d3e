/// For whom a caller may act.
public enum Tenants: Sendable, Equatable {
    case any
    /// These; none for one that may only look at the gateway itself.
    case these([String])

    func contains(_ tenant: String) -> Bool {
        switch self {
        case .any: true
        case .these(let names): names.contains(tenant)
        }
    }

    /// Whether the text can name a tenant: 1 to 128 of `A-Z a-z 0-9 - _ .`, as the protocol has it.
    static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
