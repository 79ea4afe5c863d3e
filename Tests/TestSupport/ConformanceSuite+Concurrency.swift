import ArtifactModel
import ObjectStore
import Synchronization
import Testing

extension ConformanceSuite {
    static let concurrency: [Case] = [
        Case("Sessions of many threads do not disturb each other") { subject in
            try Threads.run(8) { thread in
                let session = subject.store.makeSession()
                for index in 0..<6 {
                    let key = "thread-\(index % 3)/\(thread)/object-\(index)"
                    let bytes = SeededBytes.make(seed: UInt64(thread * 100 + index), count: 10_000 + index)
                    try session.put(key, bytes)
                    guard try session.read(key).bytes == bytes else { throw SupportError("\(key) differs") }
                    // Emptied directories come and go below other threads' feet.
                    if index % 2 == 0 { try session.delete(try ObjectKey(key)) }
                }
            }
            #expect(try subject.store.makeSession().listAll().keys.count == 8 * 3)
        },
        Case("Whoever reads a key that others replace gets one of the objects, whole and with its own headers") { subject in
            let session = subject.store.makeSession()
            @Sendable func body(_ writer: Int) -> [UInt8] { SeededBytes.make(seed: UInt64(writer), count: 5_000 + writer) }
            try session.put("contended", body(0), metadata: [("writer", "0")])
            try Threads.run(6) { thread in
                let session = subject.store.makeSession()
                for _ in 0..<10 {
                    if thread < 3 {
                        try session.put("contended", body(thread), metadata: [("writer", "\(thread)")])
                    } else {
                        let (info, bytes) = try session.read("contended")
                        guard let writer = info.metadata["writer"].flatMap({ Int($0) }), bytes == body(writer) else {
                            throw SupportError("\(bytes.count) bytes came with the headers \(info.metadata)")
                        }
                    }
                }
            }
        },
        Case("Of many that put one key if it is absent at the same moment, one does") { subject in
            for round in 0..<5 {
                let winners = Mutex<[Int]>([])
                try Threads.run(6) { thread in
                    let body = Array("writer \(thread)".utf8)
                    let stored = try subject.store.makeSession().putIfAbsent("race/\(round)", body)
                    if stored != nil { winners.withLock { $0.append(thread) } }
                }
                let won = winners.withLock { $0 }
                #expect(won.count == 1)
                let bytes = try subject.store.makeSession().contents(of: try ObjectKey("race/\(round)"), atMost: 100)
                #expect(bytes == won.first.map { Array("writer \($0)".utf8) })
            }
        },
        Case("Parts of one upload go in parallel, 20 MiB in all") { subject in
            let total = 20 << 20
            let size = max(subject.store.limits.minimumPartSize, 1 << 20)
            let count = total / size
            let upload = try subject.store.makeSession().begin("large/object")
            let sent = Mutex(upload)
            try Threads.run(4) { thread in
                let session = subject.store.makeSession()
                for part in stride(from: thread, to: count, by: 4) {
                    var one = upload
                    try session.send(SeededBytes.make(seed: UInt64(part), count: size), as: part + 1, at: part * size, to: &one)
                    let result = one
                    sent.withLock { $0.parts[part + 1] = result.parts[part + 1] }
                }
            }
            let session = subject.store.makeSession()
            try session.complete(sent.withLock { $0 })
            let (info, bytes) = try session.read("large/object")
            #expect(info.size == UInt64(total))
            for part in 0..<count {
                let expected = SeededBytes.make(seed: UInt64(part), count: size)
                #expect(Array(bytes[(part * size)..<((part + 1) * size)]) == expected, "part \(part + 1)")
            }
        },
    ]
}
