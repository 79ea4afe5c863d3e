import ArgumentParser
import ArtifactClient
import ArtifactWire
import LinuxSystem

/// A command that hands files over.
protocol HandOverCommand: ControlCommand {
    /// The files, and with --recursive directories.
    var paths: [String] { get }
    /// What `SourceWalk` is to make of them.
    var destination: String { get }
    var handOver: HandOverOptions { get }
}

extension HandOverCommand {
    /// Refuses more files than the destination takes.
    func checkDestination() throws {
        if paths.count == 1 { return }
        if !SourceWalk.isPrefix(destination) {
            throw ValidationError("several files go below a prefix: write --to '\(destination)/'")
        }
        if handOver.idempotencyKey != nil {
            throw ValidationError("--idempotency-key names one hand-over, but several files are given")
        }
    }

    /// What only the file system tells about the command line.
    func refuseDirectoriesThatDoNotFit() throws {
        if !handOver.recursive || SourceWalk.isPrefix(destination) && handOver.idempotencyKey == nil { return }
        for path in paths {
            do throws(SystemError) {
                guard try System.status(of: path, followLink: true).isDirectory else { continue }
            } catch {
                // Said in its turn, when the file is opened.
                continue
            }
            guard SourceWalk.isPrefix(destination) else {
                throw ValidationError("a directory goes below a prefix: write --to '\(destination)/'")
            }
            throw ValidationError("--idempotency-key names one hand-over, but '\(path)' is a directory")
        }
    }

    /// Connects, and hands the files over.
    /// - Parameter prepare: what must be asked before the first file.
    /// - Parameter target: what a destination stands for.
    func handOverAll(
        _ output: Output, preparing prepare: (Client) throws(ClientError) -> Void = { _ in },
        to target: @escaping (String) -> Put.Target
    ) throws {
        var patience = Patience(.milliseconds(Int64(handOver.busyTimeout * 1000)))
        let client = try patience.asking { () throws(ClientError) in
            let client = try options.connect()
            try prepare(client)
            return client
        }
        let walk = SourceWalk(
            paths: paths, recursive: handOver.recursive, destination: destination, notUTF8: RawArguments.repaired)
        let run = try PutRun(client, output, walk: walk, patience: patience, awaitsStored: handOver.level == .stored) {
            handOver.put(to: target($0))
        }
        let status = try run.run()
        if status != .done { throw status }
    }
}
