extension String {
    /// What follows a beginning that it has, byte by byte: a slash and what stands behind it can be one character.
    func dropping(_ beginning: String) -> String { String(decoding: utf8.dropFirst(beginning.utf8.count), as: UTF8.self) }

    /// Whether this path is another one or lies below it; all lie within the empty one.
    func lies(within path: String) -> Bool {
        path.isEmpty || utf8.elementsEqual(path.utf8) || utf8.starts(with: Array(path.utf8) + [UInt8(ascii: "/")])
    }
}
