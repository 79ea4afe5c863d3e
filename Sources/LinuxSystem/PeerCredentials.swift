import CLinux
import Glibc

/// Who is at the other end of a Unix socket, as the kernel noted it when the connection was made.
public struct PeerCredentials: Sendable, Equatable {
    /// The process; 0 when it lives in a pid namespace that cannot be seen from here. It may have gone since.
    public let pid: Int32
    /// The effective user.
    public let uid: UInt32
    /// The effective group.
    public let gid: UInt32
    /// The supplementary groups.
    public let groups: [UInt32]

    /// Asks the kernel.
    /// - Throws: ENODATA when the socket is not connected.
    public init(of socket: Int32) throws(SystemError) {
        var peer = clinux_ucred()
        _ = try withUnsafeMutableBytes(of: &peer) { bytes throws(SystemError) in
            try System.socketOption(SO_PEERCRED, of: socket, into: bytes)
        }
        pid = peer.pid
        uid = peer.uid
        gid = peer.gid
        groups = try Self.groups(of: socket)
    }

    private static func groups(of socket: Int32) throws(SystemError) -> [UInt32] {
        // Most have a few groups; the kernel's limit (NGROUPS_MAX) is 65,536.
        var groups = [UInt32](repeating: 0, count: 32)
        while true {
            do throws(SystemError) {
                let length = try groups.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
                    try System.socketOption(SO_PEERGROUPS, of: socket, into: UnsafeMutableRawBufferPointer(buffer))
                }
                return Array(groups.prefix(length / MemoryLayout<UInt32>.stride))
            } catch {
                guard error.errno == ERANGE, groups.count < 65_536 else { throw error }
                groups = [UInt32](repeating: 0, count: groups.count * 4)
            }
        }
    }
}
