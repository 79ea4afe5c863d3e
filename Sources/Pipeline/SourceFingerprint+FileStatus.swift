public import ArtifactModel
public import LinuxSystem

extension SourceFingerprint {
    /// The fingerprint of the file with this status.
    public init(_ status: FileStatus) {
        self.init(
            device: status.device, inode: status.inode, size: status.size, modifiedNanoseconds: status.modifiedNanoseconds)
    }
}
