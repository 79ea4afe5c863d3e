import ArtifactModel
import Glibc
import LinuxSystem

/// Collects one page of a directory store's objects, by rising key in UTF-8 byte order.
///
/// Holds the names of one directory a level at a time, and of those only what can still be on the page. Each page reads the
/// directories on its way anew, so a single directory of very many objects costs a full reading a page.
struct ObjectLister {
    private let prefix: [UInt8]
    private let after: [UInt8]
    private let limit: Int
    private(set) var entries: [ListPage.Entry] = []
    /// Whether there is an object beyond the page.
    private(set) var hasMore = false

    init(prefix: String, after: String?, limit: Int) {
        self.prefix = Array(prefix.utf8)
        self.after = Array((after ?? "").utf8)
        self.limit = limit
    }

    /// Adds what is in a store's tree. Begins at the last directory that the prefix names.
    mutating func visit(_ tree: DirectoryTree) throws(SystemError) {
        let base = Array(prefix[..<((prefix.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)])
        var path: [String] = []
        if !base.isEmpty {
            // The prefix is any text. One that no key can begin with, `../` above all, must not lead anywhere.
            guard let key = Self.key(String(decoding: base.dropLast(), as: UTF8.self)) else { return }
            path = key.components.map(String.init)
        }
        guard path.first != ObjectPlace.reserved else { return }
        let listing: DirectoryListing
        do throws(SystemError) {
            listing = try tree.list(path)
        } catch {
            guard [ENOENT, ENOTDIR, ENAMETOOLONG].contains(error.errno), !error.concernsStore else { throw error }
            return
        }
        try visit(listing, path: base)
    }

    /// Adds what is in a directory and below.
    /// - Parameter path: the key's text that leads to it, empty or with a slash at its end.
    private mutating func visit(_ listing: consuming DirectoryListing, path: [UInt8]) throws(SystemError) {
        // A directory's name stands with its slash, which is how the keys below it begin: thus `a-b` comes before `a/b`.
        var names: [[UInt8]] = []
        while let entry = try listing.next() {
            guard let text = entry.text, !(path.isEmpty && text == ObjectPlace.reserved),
                let kind = try Self.kind(of: entry, text, in: listing.descriptor)
            else { continue }
            let name = kind == .directory ? entry.name + [UInt8(ascii: "/")] : entry.name
            if kind == .directory ? canHold(path + name) : isWanted(path + name) { names.append(name) }
        }
        names.sort { $0.lexicographicallyPrecedes($1) }
        for name in names where !hasMore {
            if name.last == UInt8(ascii: "/") {
                let text = String(decoding: name.dropLast(), as: UTF8.self)
                if let below = try Self.open(text, in: listing.descriptor) { try visit(below, path: path + name) }
            } else {
                try add(name, of: path, in: listing.descriptor)
            }
        }
    }

    private mutating func add(_ name: [UInt8], of path: [UInt8], in directory: Int32) throws(SystemError) {
        guard let file = try System.statusIfAny(of: String(decoding: name, as: UTF8.self), in: directory), file.isRegular
        else { return }
        guard entries.count < limit else {
            hasMore = true
            return
        }
        entries.append(
            ListPage.Entry(
                key: String(decoding: path + name, as: UTF8.self), size: file.size,
                modifiedAt: file.modifiedNanoseconds / 1_000_000, etag: DirectoryStore.etag(of: file)))
    }

    private func isWanted(_ key: [UInt8]) -> Bool {
        key.starts(with: prefix) && after.lexicographicallyPrecedes(key)
    }

    /// Whether a key that is wanted can begin so.
    private func canHold(_ path: [UInt8]) -> Bool {
        (path.starts(with: prefix) || prefix.starts(with: path))
            && (after.starts(with: path) || after.lexicographicallyPrecedes(path))
    }

    /// Whether it is an object or a directory; nil for anything else, symbolic links among them.
    private static func kind(
        of entry: DirectoryListing.Entry, _ name: String, in directory: Int32
    ) throws(SystemError) -> FileKind? {
        let kind = entry.kind == .unknown ? try System.statusIfAny(of: name, in: directory)?.kind : entry.kind
        return kind == .regular || kind == .directory ? kind : nil
    }

    private static func key(_ text: String) -> ObjectKey? {
        do throws(ArtifactError) {
            return try ObjectKey(text)
        } catch {
            return nil
        }
    }

    /// A directory's names; nil when it was removed meanwhile.
    private static func open(_ name: String, in directory: Int32) throws(SystemError) -> DirectoryListing? {
        do throws(SystemError) {
            return try DirectoryListing(name, in: directory)
        } catch {
            guard [ENOENT, ENOTDIR].contains(error.errno) else { throw error }
            return nil
        }
    }
}
