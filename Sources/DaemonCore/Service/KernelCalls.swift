import ArtifactModel
import LinuxSystem

/// Makes kernel calls on behalf of something that a person knows: what fails becomes an error of this code that says so.
func kernelCalls<Result>(
    orThrow code: ArtifactError.Code, _ message: @autoclosure () -> String, _ body: () throws(SystemError) -> Result
) throws(ArtifactError) -> Result {
    do throws(SystemError) { return try body() } catch { throw ArtifactError(code, message(), cause: "\(error)") }
}

/// Fills the array through its memory, and keeps what was thrown typed.
extension [UInt8] {
    mutating func fill<Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        var outcome: Swift.Result<Void, Failure> = .success(())
        withUnsafeMutableBytes { buffer in
            do throws(Failure) { try body(buffer) } catch { outcome = .failure(error) }
        }
        try outcome.get()
    }
}
