import HTTPTypes

/// Methods by the names that OpenAPI gives them.
enum HTTPMethods {
    static func named(_ name: String) -> HTTPRequest.Method? { HTTPRequest.Method(rawValue: name.uppercased()) }
}
