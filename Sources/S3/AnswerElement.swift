import ArtifactModel
import Foundation
import FoundationXML

/// An element of an XML answer: what S3 says in a body.
struct AnswerElement: Equatable, Sendable {
    /// The name, without a namespace.
    var name: String
    /// The characters directly in it.
    var text = ""
    var children: [AnswerElement] = []

    /// The first child of that name.
    subscript(name: String) -> AnswerElement? { children.first { $0.name == name } }

    /// The children of that name, in order.
    func all(_ name: String) -> [AnswerElement] { children.filter { $0.name == name } }

    /// The root of a document; nil when the bytes are not one whole, well-formed document.
    ///
    /// White space before it is let pass: S3 sends some to keep a connection alive. A document type definition is refused.
    init?(parsing bytes: [UInt8]) {
        let start = bytes.firstIndex { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } ?? bytes.endIndex
        guard start < bytes.endIndex, bytes.firstRange(of: Self.documentType) == nil else { return nil }
        let parser = XMLParser(data: Data(bytes[start...]))
        let collector = Collector()
        parser.delegate = collector
        guard parser.parse(), let root = collector.root else { return nil }
        self = root
    }

    private init(name: String) { self.name = name }

    /// What begins a document type definition, and with it entities that grow.
    private static let documentType = Array("<!DOCTYPE".utf8)

    private final class Collector: NSObject, XMLParserDelegate {
        var root: AnswerElement?
        private var open: [AnswerElement] = []
        /// No answer of S3 is deeper than six.
        private static let maximumDepth = 32

        func parser(
            _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            if open.count == Self.maximumDepth { return parser.abortParsing() }
            open.append(AnswerElement(name: elementName.split(separator: ":").last.map(String.init) ?? elementName))
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) {
            guard !open.isEmpty else { return }
            open[open.count - 1].text += string
        }

        func parser(_ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?, qualifiedName: String?) {
            guard let element = open.popLast() else { return }
            if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
        }
    }
}
