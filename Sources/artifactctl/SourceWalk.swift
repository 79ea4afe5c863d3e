import ArtifactModel
import Glibc
import LinuxSystem

/// The files that a command line's paths name, one after the other. Holds one open directory a level and no more.
final class SourceWalk {
    /// A file and where it goes.
    struct Candidate: Sendable, Equatable {
        /// As the user would write it.
        var path: String
        /// The key, URI or path within a run.
        var destination: String
    }

    /// One thing met on the way.
    enum Step: Equatable {
        case file(Candidate)
        /// Something that was asked for and cannot be handed over.
        case refused(path: String, ArtifactError)
        /// Something that is left out by rule.
        case skipped(path: String, why: String)
    }

    /// A directory in the middle of being listed.
    private final class Level {
        var listing: DirectoryListing
        /// As the user would write it, with a slash at its end.
        let path: String
        /// What the keys of the files in it begin with, with a slash at its end.
        let prefix: String

        init(path: String, prefix: String, followLink: Bool) throws(SystemError) {
            listing = try DirectoryListing(path, followLink: followLink)
            self.path = path.hasSuffix("/") ? path : path + "/"
            self.prefix = prefix
        }
    }

    private var paths: ArraySlice<String>
    private let recursive: Bool
    private let destination: String
    /// The paths that are not UTF-8, and how messages show them.
    private let notUTF8: [String: String]
    private var levels: [Level] = []
    /// Which path took a name below the prefix.
    private var names: [String: String] = [:]

    /// - Parameter destination: where the one file goes, or, if it is a prefix, what the names of files go behind.
    init(paths: [String], recursive: Bool, destination: String, notUTF8: [String: String] = [:]) {
        self.paths = paths[...]
        self.recursive = recursive
        self.destination = destination
        self.notUTF8 = notUTF8
    }

    /// Whether files go below a destination, under names of their own: it ends in a slash, or is empty.
    static func isPrefix(_ destination: String) -> Bool { destination.isEmpty || destination.hasSuffix("/") }

    /// The next; nil at the end.
    func next() -> Step? {
        while true {
            if let level = levels.last {
                if let step = next(in: level) { return step }
            } else if let path = paths.popFirst() {
                if let step = begin(path) { return step }
            } else {
                return nil
            }
        }
    }

    /// A path of the command line; nil when it is a directory, which is entered.
    private func begin(_ path: String) -> Step? {
        if let shown = notUTF8[path] { return .refused(path: shown, Self.isNotUTF8(shown)) }
        let isDirectory: Bool
        do throws(SystemError) {
            isDirectory = try System.status(of: path, followLink: true).isDirectory
        } catch {
            // Opening it will say why.
            isDirectory = false
        }
        if isDirectory {
            guard recursive else {
                let why = "'\(path.escapedForLog)' is a directory; hand over what is in it with --recursive"
                return .refused(path: path, ArtifactError(.invalidSource, why))
            }
            return enter(path, prefix: destination, followLink: true)
        }
        guard Self.isPrefix(destination) else { return .file(Candidate(path: path, destination: destination)) }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if let earlier = names.updateValue(path, forKey: name) {
            names[name] = earlier
            let why =
                "'\(path.escapedForLog)' would replace the object of '\(earlier.escapedForLog)'; put it below another prefix"
            return .refused(path: path, ArtifactError(.conflict, why))
        }
        return .file(Candidate(path: path, destination: destination + name))
    }

    /// The next in a directory; nil when there is nothing to tell of, or it is left.
    private func next(in level: Level) -> Step? {
        let entry: DirectoryListing.Entry
        do throws(SystemError) {
            guard let next = try level.listing.next() else {
                levels.removeLast()
                return nil
            }
            entry = next
        } catch {
            levels.removeLast()
            return .refused(path: level.path, Self.unreadable(level.path, error))
        }
        guard let name = entry.text else {
            let shown = level.path + RawArguments.escaped(entry.name)
            return .refused(path: shown, Self.isNotUTF8(shown))
        }
        let path = level.path + name
        do throws(SystemError) {
            var kind = entry.kind
            if kind == .unknown { kind = try System.status(of: path).kind }
            let target = kind == .symbolicLink ? try System.status(of: path, followLink: true).kind : kind
            switch target {
            case .regular: return .file(Candidate(path: path, destination: level.prefix + name))
            case .directory where kind == .symbolicLink: return .skipped(path: path, why: "it is a symbolic link to a directory")
            case .directory: return enter(path, prefix: level.prefix + name + "/", followLink: false)
            default:
                let why = "'\(path.escapedForLog)' is a \(target), not a regular file"
                return .refused(path: path, ArtifactError(.invalidSource, why))
            }
        } catch {
            return .refused(path: path, Self.unreadable(path, error))
        }
    }

    private func enter(_ path: String, prefix: String, followLink: Bool) -> Step? {
        do throws(SystemError) {
            levels.append(try Level(path: path, prefix: prefix, followLink: followLink))
            return nil
        } catch {
            return .refused(path: path, Self.unreadable(path, error))
        }
    }

    private static func unreadable(_ path: String, _ error: SystemError) -> ArtifactError {
        ArtifactError(.sourceUnreadable, "'\(path.escapedForLog)' cannot be read", cause: error.description)
    }

    private static func isNotUTF8(_ shown: String) -> ArtifactError {
        ArtifactError(.invalidKey, "the name '\(shown)' is not UTF-8 and cannot be an object key; rename it")
    }
}
