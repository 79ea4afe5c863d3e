import FoundationEssentials
import Testing

@testable import GatewayCore

/// The API's description.
struct OpenAPIDocumentTests {
    /// What is served is protocol/openapi.json; `protocol/openapi.py` writes it into the source.
    @Test func isTheOneOfTheProtocol() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try Data(contentsOf: URL(filePath: "/\(root)/protocol/openapi.json"))
        #expect(openAPIDocument == String(decoding: file, as: UTF8.self))
    }

    /// Every path and method that it names is a route, and every error code of the code stands in it.
    @Test func namesRoutes() throws {
        struct Document: Decodable {
            struct Operation: Decodable {}
            var paths: [String: [String: Operation]]

            enum CodingKeys: CodingKey { case paths }
            struct Method: CodingKey {
                var stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }

            init(from decoder: any Decoder) throws {
                let paths = try decoder.container(keyedBy: CodingKeys.self).nestedContainer(keyedBy: Method.self, forKey: .paths)
                self.paths = [:]
                for path in paths.allKeys {
                    let methods = try paths.nestedContainer(keyedBy: Method.self, forKey: path).allKeys.map(\.stringValue)
                    self.paths[path.stringValue] = Dictionary(
                        uniqueKeysWithValues: methods.filter { $0 != "parameters" }.map { ($0, Operation()) })
                }
            }
        }
        let document = try JSONDecoder().decode(Document.self, from: Data(openAPIDocument.utf8))
        var names: Set<String> = []
        for (path, methods) in document.paths {
            for method in methods.keys {
                let method = try #require(HTTPMethods.named(method))
                let path = path.replacing("{id}", with: "00000000-0000-5000-8000-000000000000")
                names.insert(try Route(method: method, path: path.replacing("{", with: "").replacing("}", with: "")).name)
            }
        }
        #expect(names.count == 17)
        for code in APIError.Code.allCases { #expect(openAPIDocument.contains("\"\(code.rawValue)\"")) }
    }
}
