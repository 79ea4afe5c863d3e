/// First in, first out. Taking moves the rest down only now and then, or a long queue would cost the square of its length.
struct Queue<Element> {
    private var elements: [Element] = []
    private var first = 0

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard first < elements.count else { return nil }
        let element = elements[first]
        first += 1
        if first == elements.count || first >= 1024 {
            elements.removeFirst(first)
            first = 0
        }
        return element
    }
}
