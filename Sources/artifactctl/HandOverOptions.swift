import ArgumentParser
import ArtifactModel
import ArtifactWire

/// How files are handed over: the options of every `put`.
struct HandOverOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Hand over what is in directories.")
    var recursive = false

    @Option(
        help: "How the object is to be compressed. Unless given: auto in S3, none in a directory, or as the daemon is configured."
    )
    var compression: Compression?

    @Option(
        name: .customLong("ack"),
        help: ArgumentHelp(
            "What to wait for: accepted unless given. A wait that is interrupted loses nothing: the jobs go on.",
            valueName: "level"))
    var acknowledgement: AcknowledgementLevel?

    @Option(
        name: .customLong("on-change"),
        help: ArgumentHelp(
            "What to do when a file changes before it is stored. Unless given: fail, or as the daemon is configured.",
            valueName: "what"))
    var changePolicy: ChangePolicy?

    @Option(
        help: ArgumentHelp("Makes the same hand-over, when repeated, the same job. For one file alone.", valueName: "key"))
    var idempotencyKey: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How long to go on trying while the daemon takes nothing because a bound is reached or its disk is full; then the \
            status is 75.
            """,
            valueName: "seconds"))
    var busyTimeout: Double = 0

    var level: AcknowledgementLevel { acknowledgement ?? .accepted }

    func validate() throws {
        if let idempotencyKey, !(1...Put.maximumIdempotencyKey).contains(idempotencyKey.utf8.count) {
            throw ValidationError("--idempotency-key takes 1 to \(Put.maximumIdempotencyKey) bytes")
        }
        if !(0...1e9).contains(busyTimeout) {
            throw ValidationError("--busy-timeout must be from 0 to 1000000000 seconds")
        }
    }

    /// The request for a file, whose bytes come by descriptor.
    func put(to target: Put.Target) -> Put {
        Put(
            target: target, source: .descriptor, compression: compression, level: level == .stored ? .accepted : level,
            idempotencyKey: idempotencyKey.map { Array($0.utf8) }, changePolicy: changePolicy)
    }
}
