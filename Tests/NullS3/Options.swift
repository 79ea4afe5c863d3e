/// What the command line asks for.
struct Options: Sendable {
    /// A command line that cannot be followed.
    struct Misuse: Error {
        let message: String
    }

    static let usage = """
        usage: null-s3 [--port N] [--log FILE] [--memory] [--delay-ms N] [--fault OP:WHEN:WHAT]...
          --port N      0 (the default) takes any free port
          --log FILE    one line a request: time method path query status content-length fault
          --memory      keep bodies and verify every CRC-32C; without it bodies over 64 KiB are discarded and read back as zeros
          --delay-ms N  wait so long before every answer
          --fault       OP    any \(Operation.allCases.map(\.rawValue).joined(separator: " "))
                        WHEN  of the requests that OP names: the n-th (3), the n-th to m-th (2-5), each with a chance (p0.1)
                        WHAT  503slow[=SECONDS] 500 denied expired nosuchupload redirect skew[=SECONDS] hang=MS
                              200error 200cut garbage reset cut swallow
        """

    var port: UInt16 = 0
    var log: String?
    var keepsBodies = false
    var delayMilliseconds: UInt32 = 0
    var faults: [Fault] = []

    init(arguments: ArraySlice<String>) throws(Misuse) {
        var rest = arguments
        while let name = rest.popFirst() {
            if name == "--memory" {
                keepsBodies = true
                continue
            }
            guard let value = rest.popFirst() else {
                throw Misuse(message: "\(name): unknown, or its value is missing\n\(Self.usage)")
            }
            switch name {
            case "--port": port = try Self.number(value, name)
            case "--log": log = value
            case "--delay-ms": delayMilliseconds = try Self.number(value, name)
            case "--fault":
                guard let fault = Fault(value) else { throw Misuse(message: "--fault \(value): not understood\n\(Self.usage)") }
                faults.append(fault)
            default: throw Misuse(message: "\(name): unknown\n\(Self.usage)")
            }
        }
    }

    private static func number<Number: FixedWidthInteger>(_ text: String, _ name: String) throws(Misuse) -> Number {
        guard let number = Number(text) else { throw Misuse(message: "\(name) \(text): not a number that fits") }
        return number
    }
}
