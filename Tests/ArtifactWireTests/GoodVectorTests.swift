import ArtifactModel
import ArtifactWire
import Testing

/// The good vectors, which another program wrote.
@Suite struct GoodVectorTests {
    /// Every good frame decodes to what its vector says, header and content.
    @Test(arguments: try Vectors.good())
    func decodes(_ vector: GoodVector) throws {
        let (header, message) = try decodeFrame([UInt8](hex: vector.hex))
        #expect(message == (try vector.message()))
        #expect(message.type.specificationName == vector.type)
        #expect(header.type == message.type.rawValue)
        #expect(header.requestID == vector.requestID)
        #expect(header.descriptorCount == vector.descriptors)
    }

    /// What a canonical vector says is encoded to exactly its bytes.
    @Test(arguments: try Vectors.good().filter(\.canonical))
    func encodes(_ vector: GoodVector) throws {
        let bytes = try vector.message().frame(requestID: vector.requestID, descriptorCount: vector.descriptors)
        #expect(hexadecimal(bytes) == vector.hex)
    }

    /// What a vector leaves to the defaults is the same message when it is written out.
    @Test(arguments: try Vectors.good().filter { !$0.canonical })
    func normalises(_ vector: GoodVector) throws {
        let message = try vector.message()
        let bytes = try message.frame(requestID: vector.requestID, descriptorCount: vector.descriptors)
        #expect(hexadecimal(bytes) != vector.hex)
        #expect(try decodeFrame(bytes).1 == message)
    }

    /// There is a vector for every type of message that the code knows.
    @Test func coverEveryMessageType() throws {
        let seen = Set(try Vectors.good().map(\.type))
        #expect(seen == Set(MessageType.allCases.map(\.specificationName)))
    }

    /// There is a vector for every error code that the code knows.
    @Test func coverEveryErrorCode() throws {
        let seen = try Vectors.good().compactMap { vector -> ArtifactError.Code? in
            guard case .error(let error) = try vector.message() else { return nil }
            return error.error.code
        }
        #expect(Set(seen) == Set(ArtifactError.Code.allCases))
    }

    /// Every number that has a name occurs: states, levels, pins, compressions, encodings, kinds, policies,
    /// statuses of runs, stages of experiments.
    @Test func coverEveryNamedNumber() throws {
        let records = try Vectors.good().flatMap { vector -> [JobRecord] in
            guard case .jobs(let jobs) = try vector.message() else { return [] }
            return jobs.records
        }
        #expect(Set(records.map(\.state)) == Set(JobState.allCases))
        #expect(Set(records.map(\.level)) == Set(AcknowledgementLevel.allCases))
        #expect(Set(records.map(\.pin)) == Set(Pin.allCases))
        #expect(Set(records.map(\.compression)) == Set(Compression.allCases))
        #expect(Set(records.compactMap(\.encoding)) == Set(ContentEncoding.allCases))
        #expect(Set(records.map(\.kind)) == Set(ArtifactKind.allCases))
        let statuses = try Vectors.good().flatMap { vector -> [RunStatus] in
            guard case .runs(let runs) = try vector.message() else { return [] }
            return runs.runs.map(\.status)
        }
        #expect(Set(statuses) == Set(RunStatus.allCases))
        let stages = try Vectors.good().compactMap { vector -> LifecycleStage? in
            guard case .updateExperiment(let update) = try vector.message() else { return nil }
            return update.stage
        }
        #expect(Set(stages) == Set(LifecycleStage.allCases))
        let policies = try Vectors.good().compactMap { vector -> ChangePolicy? in
            guard case .put(let put) = try vector.message() else { return nil }
            return put.changePolicy
        }
        #expect(Set(policies) == Set(ChangePolicy.allCases))
    }
}
