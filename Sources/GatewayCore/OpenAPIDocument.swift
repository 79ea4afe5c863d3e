/// The API's description: protocol/openapi.json.
let openAPIDocument = #"""
    {}
    """#
