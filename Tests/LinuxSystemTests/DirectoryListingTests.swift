import Glibc
import LinuxSystem
import Testing

@Suite struct DirectoryListingTests {
    /// Every name comes once, with its kind and its bytes as they are, those that are not UTF-8 included.
    @Test func listsNamesAsBytes() throws {
        let directory = try TemporaryDirectory()
        try directory.write("", to: "file")
        try directory.write("", to: "größe")
        try System.makeDirectory(directory("dir"))
        #expect(symlink("dir", directory("link")) == 0)
        let odd: [UInt8] = [0x61, 0xff, 0x0a]
        let folder = try System.open(directory.path, O_RDONLY | O_DIRECTORY)
        let number = openat(folder.number, odd.map { CChar(bitPattern: $0) } + [0], O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        try Descriptor(owning: try #require(number >= 0 ? number : nil)).close()

        var found: [[UInt8]: FileKind] = [:]
        var texts: [String] = []
        var listing = try DirectoryListing(directory.path)
        while let entry = try listing.next() {
            #expect(found.updateValue(entry.kind, forKey: entry.name) == nil)
            if let text = entry.text { texts.append(text) }
        }
        #expect(
            found == [
                Array("file".utf8): .regular, Array("größe".utf8): .regular, Array("dir".utf8): .directory,
                Array("link".utf8): .symbolicLink, odd: .regular,
            ])
        #expect(texts.sorted() == ["dir", "file", "größe", "link"])
    }

    /// A symbolic link is not entered unless asked for; a file is no directory.
    @Test func doesNotFollowLinks() throws {
        let directory = try TemporaryDirectory()
        try System.makeDirectories(directory("dir/inner"))
        try directory.write("", to: "file")
        #expect(symlink("dir", directory("link")) == 0)
        #expect(try systemError { _ = try DirectoryListing(directory("link")) }.errno == ENOTDIR)
        #expect(try systemError { _ = try DirectoryListing(directory("file")) }.errno == ENOTDIR)
        var listing = try DirectoryListing(directory("link"), followLink: true)
        #expect(try listing.next()?.text == "inner")
        let end = try listing.next()
        #expect(end == nil)
    }

    /// What is listed can be opened by the listing's own descriptor.
    @Test func opensWhatItLists() throws {
        let directory = try TemporaryDirectory()
        try directory.write("bytes", to: "f")
        var listing = try DirectoryListing(directory.path)
        let name = try #require(try listing.next()?.text)
        let file = try System.open(name, in: listing.descriptor, O_RDONLY | O_NOFOLLOW)
        #expect(try text(file.number) == "bytes")
    }
}
