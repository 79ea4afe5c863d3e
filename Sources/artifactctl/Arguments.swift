public import ArgumentParser
public import ArtifactModel

// What the help says of each choice stands here. A default is told in the option's own text: ArgumentParser would show its number.

extension Compression: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.description) }
    public static var allValueDescriptions: [String: String] { described(allCases, by: \.help) }

    private var help: String {
        switch self {
        case .none: "as it is; every reader understands it"
        case .gzip: "gzip, always"
        case .zstd: "Zstandard, always"
        case .auto: "Zstandard where the content shrinks, else as it is"
        }
    }
}

extension AcknowledgementLevel: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.description) }
    public static var allValueDescriptions: [String: String] { described(allCases, by: \.help) }

    private var help: String {
        switch self {
        case .accepted: "it is safe to rename or delete the file, not to write to it"
        case .durable: "the daemon has the bytes on disk; the file may be overwritten"
        case .stored: "the object is complete in the store"
        }
    }
}

extension ChangePolicy: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.description) }
    public static var allValueDescriptions: [String: String] { described(allCases, by: \.help) }

    private var help: String {
        switch self {
        case .fail: "the job fails as source_changed"
        case .restart: "the upload begins again with the new content"
        }
    }
}

extension JobState: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.description) }
    public static var allValueDescriptions: [String: String] { described(allCases, by: \.help) }

    private var help: String {
        switch self {
        case .accepted: "waiting to be uploaded"
        case .uploading: "on its way"
        case .stored: "complete in the store"
        case .failed: "kept with its reason, until it is retried or cancelled"
        case .cancelled: "given up on request"
        }
    }
}

extension ArtifactKind: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.description) }
    public static var allValueDescriptions: [String: String] { described(allCases, by: \.help) }

    private var help: String {
        switch self {
        case .model: ".pkl .joblib .pt .h5"
        case .onnx: ".onnx"
        case .configuration: ".json .yaml .yml"
        case .plot: ".png .svg"
        case .data: ".csv .parquet"
        case .report: ".txt .md"
        case .other: "anything else"
        }
    }
}

extension RunStatus: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.description) }
    public static var allValueDescriptions: [String: String] { described(allCases, by: \.help) }

    private var help: String {
        switch self {
        case .running: "not ended yet"
        case .finished: "ended well"
        case .failed: "ended by an error"
        case .killed: "ended from outside"
        }
    }
}

extension JobID: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

private func described<Choice: CustomStringConvertible>(
    _ choices: some Sequence<Choice>, by help: (Choice) -> String
) -> [String: String] {
    var described: [String: String] = [:]
    for choice in choices { described[choice.description] = help(choice) }
    return described
}
