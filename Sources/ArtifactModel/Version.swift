/// The version of artifactd and of its tools (semantic versioning 2.0).
public let artifactdVersion = "0.1.0"
