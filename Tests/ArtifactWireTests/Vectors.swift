import ArtifactWire
import FoundationEssentials

/// A frame of `protocol/vectors/frames.json` and what it says.
struct GoodVector: Decodable, Sendable, CustomStringConvertible {
    var name: String
    var type: String
    var requestID: UInt64
    var descriptors: UInt8
    var fields: JSONValue
    /// Whether encoding the content must give exactly these bytes.
    var canonical: Bool
    var hex: String

    var description: String { name }

    private enum CodingKeys: String, CodingKey {
        case name, type, requestID = "request_id", descriptors, fields, canonical, hex
    }
}

/// A frame of `protocol/vectors/bad.json` and the error that it must meet.
struct BadVector: Decodable, Sendable, CustomStringConvertible {
    var name: String
    var error: String
    var endsConnection: Bool
    var hex: String

    var description: String { name }

    private enum CodingKeys: String, CodingKey {
        case name, error, endsConnection = "ends_connection", hex
    }
}

/// The files that every implementation of the protocol is held against.
enum Vectors {
    static func good() throws -> [GoodVector] { try load("vectors/frames.json") }

    static func bad() throws -> [BadVector] { try load("vectors/bad.json") }

    /// A text file below `protocol/`.
    static func text(_ path: String) throws -> String {
        guard let text = String(validating: try data(path), as: UTF8.self) else { throw VectorProblem("\(path) is not UTF-8") }
        return text
    }

    private struct File<Vector: Decodable>: Decodable {
        var vectors: [Vector]
    }

    private static func load<Vector: Decodable>(_ path: String) throws -> [Vector] {
        try JSONDecoder().decode(File<Vector>.self, from: data(path)).vectors
    }

    private static func data(_ path: String) throws -> Data {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return try Data(contentsOf: URL(filePath: "/\(root)/protocol/\(path)"))
    }
}

/// The vectors, or the specification, are not as the tests need them.
struct VectorProblem: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

extension [UInt8] {
    /// The bytes that these hexadecimal digits stand for.
    init(hex: String) throws {
        self = []
        let digits = Array<UInt8>(hex.utf8)
        for start in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[start..<Swift.min(start + 2, digits.count)], as: UTF8.self)
            guard pair.utf8.count == 2, let byte = UInt8(pair, radix: 16) else {
                throw VectorProblem("'\(hex.prefix(80))' is not hexadecimal")
            }
            append(byte)
        }
    }
}

/// Decodes a frame as a connection does: the header first, then, if it is all there, the message.
func decodeFrame(_ bytes: [UInt8]) throws -> (FrameHeader, Message) {
    guard let header = try FrameHeader.decode(bytes[...]) else { throw VectorProblem("no whole header") }
    guard bytes.count == Int(header.length) else { throw VectorProblem("\(bytes.count) bytes, not \(header.length)") }
    return (header, try Message.decode(header, payload: bytes[FrameHeader.size...]))
}
