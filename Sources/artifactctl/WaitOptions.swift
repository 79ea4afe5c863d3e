import ArgumentParser
import ArtifactClient
import LinuxSystem

/// How long to wait: the option of every `wait`.
struct WaitOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long to wait at most; without end unless given.", valueName: "seconds"))
    var timeout: Double?

    func validate() throws {
        if let timeout, !(0...1e9).contains(timeout) { throw ValidationError("--timeout must be from 0 to 1000000000 seconds") }
    }

    /// Connects. The time that this takes counts.
    /// - Returns: besides, how many milliseconds are left at the time of asking; nil for without end.
    func connect(_ options: GlobalOptions) throws(ClientError) -> (client: Client, timeLeft: () -> UInt64?) {
        let begun = System.monotonicNanoseconds()
        let patience = timeout.map { min(Client.defaultTimeout, .seconds($0) + Client.waitGrace) }
        let client = try options.connect(timeout: patience ?? Client.defaultTimeout)
        return (
            client,
            { timeout.map { UInt64(max(0, $0 * 1000 - Double(System.monotonicNanoseconds() - begun) / 1e6)) } }
        )
    }
}
