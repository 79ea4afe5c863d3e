import Foundation

/// A server certificate for 127.0.0.1 and localhost, signed by an authority made for it alone.
public struct TestCertificate: Sendable {
    /// The authority's certificate (PEM): what a client has to trust.
    public var authorityPath: String
    /// The server's certificate (PEM).
    public var certificatePath: String
    /// The server's private key (PEM).
    public var keyPath: String

    /// Makes the files in a directory with the `openssl` program.
    public static func make(in directory: String) throws -> TestCertificate {
        let made = TestCertificate(
            authorityPath: "\(directory)/ca.pem", certificatePath: "\(directory)/server.pem", keyPath: "\(directory)/server.key")
        let elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try openssl(
            ["req", "-x509", "-days", "2", "-subj", "/CN=artifactd test authority"] + elliptic
                + ["-keyout", "\(directory)/ca.key", "-out", made.authorityPath])
        try openssl(
            ["req", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"] + elliptic
                + ["-keyout", made.keyPath, "-out", "\(directory)/server.csr"])
        try openssl([
            "x509", "-req", "-days", "2", "-in", "\(directory)/server.csr", "-CA", made.authorityPath, "-CAkey",
            "\(directory)/ca.key", "-CAcreateserial", "-copy_extensions", "copy", "-out", made.certificatePath,
        ])
        return made
    }

    private static func openssl(_ arguments: [String]) throws {
        let outcome = try ChildProcess.run(["openssl"] + arguments)
        guard outcome.status == 0 else { throw SupportError("openssl \(arguments[0]): \(outcome.output)") }
    }
}
