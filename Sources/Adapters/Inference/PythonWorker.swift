// SPDX-License-Identifier: Apache-2.0

internal import CWorker
internal import Foundation
internal import Glibc
internal import GyreBase
internal import GyreServing

/// One Python process that holds a model; one thread at a time talks to it.
@safe final class PythonWorker: @unchecked Sendable {
    // SAFETY: whoever has taken the worker from its pool is the only one that touches it.
    private var worker = gyre_worker()
    /// What it said when it had loaded its model.
    private(set) var greeting: JSONValue = [:]
    /// When it was given back to its pool, microseconds of the system's clock.
    var idleSince: Int64 = 0
    private var requestBytes = 0

    /// Bytes of tensors above which they go through shared memory.
    private static let sharedBytes = 65_536
    private static let longestHead = 16 << 20

    /// Starts a process and waits until it has loaded the model.
    /// - Throws: `.invalid` with what Python said; `.timeout`.
    ///
    /// `script`: what the process runs; `arguments` come after the model and the limit. `nursery`: what makes it by forking; nil starts it by
    /// itself, as every script but the usual one has to be.
    init(
        python: String, script: String = WorkerScript.text, model: String, title: String = "", memoryLimit: Int64,
        arguments: [String] = [], nursery: PythonNursery? = nil, timeout: Int64
    ) throws(GyreError) {
        if let made = nursery?.worker([model, String(memoryLimit)] + arguments) {
            worker = made
            try greet(model, title, timeout)
            return
        }
        let words = [python, "-c", script, model, String(memoryLimit)] + arguments
        var started = gyre_worker()
        let code = unsafe CTexts.with(words) { arguments in
            unsafe CTexts.with(CTexts.environment) { environment in
                unsafe gyre_worker_start(python, arguments, environment, &started)
            }
        }
        worker = started
        guard code == 0 else {
            throw GyreError(
                .unavailable, "A Python worker could not be started.",
                why: unsafe "\(python): \(String(cString: strerror(code)))",
                fix: "On the server's machine: gyre doctor")
        }
        try greet(model, title, timeout)
    }

    /// Waits until the model is loaded.
    private func greet(_ model: String, _ title: String, _ timeout: Int64) throws(GyreError) {
        (greeting, _) = try receive(timeout)
        if let problem = greeting["error"]?.string {
            throw GyreError(
                .invalid,
                "The model \(title.isEmpty ? (model as NSString).lastPathComponent : title) cannot be loaded: \(problem)",
                why: "Python said so as it loaded \(model).")
        }
    }

    deinit { unsafe gyre_worker_end(&worker) }

    /// Whether the process is there and has said nothing since its greeting; for those that are talked to by other ways.
    var isRunning: Bool { unsafe gyre_worker_wait(&worker, 0) == 0 }

    /// Bytes that the process has in memory; what it shares with others of its kind counts by its share.
    var residentBytes: Int64 { proportionalBytes ?? wholeBytes }

    private var proportionalBytes: Int64? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(worker.process)/smaps_rollup") else {
            return nil
        }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Pss:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 << 10 }
    }

    private var wholeBytes: Int64 {
        let path = "/proc/\(worker.process)/statm"
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe Glibc.read(file, &text, text.count)
        let fields = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int64(fields[1]) ?? 0) * Int64(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    /// Asks for the outputs of these inputs.
    /// - Throws: `.invalid` with the model's own error; `.unavailable` when the process is gone; `.timeout`.
    func ask(_ specs: [TensorSpec], _ inputs: [Tensor], timeout: Int64) throws(GyreError) -> [NamedTensor] {
        var content: [UInt8] = []
        var writer = JSONWriter()
        writer.raw("{\"inputs\":[")
        for (index, input) in inputs.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw("{\"name\":")
            writer.string(specs[index].name)
            writer.raw(",\"datatype\":")
            writer.string(input.datatype.rawValue)
            writer.raw(",\"bytes\":")
            writer.integer(Int64(input.byteCount))
            writer.raw(",\"shape\":")
            writer.value(.array(input.shape.map { .int(Int64($0)) }))
            writer.raw("}")
            input.append(to: &content)
        }
        let isShared = content.count >= Self.sharedBytes
        writer.raw(isShared ? "],\"shared\":" : "],\"bytes\":")
        writer.integer(Int64(content.count))
        writer.raw("}")
        if isShared {
            try share(content)
            content = []
        }
        try send(Self.lengthBytes(writer.bytes.count) + writer.bytes + content)
        let (head, body) = try receive(timeout)
        if let problem = head["error"]?.string {
            throw GyreError(
                problem.hasPrefix("MemoryError") ? .unavailable : .invalid, "The model refused its inputs.",
                why: problem)
        }
        var outputs: [NamedTensor] = []
        var place = 0
        for entry in head["outputs"]?.array ?? [] {
            guard let name = entry["name"]?.string, let size = entry["bytes"]?.int, size >= 0,
                let datatype = Tensor.Datatype(rawValue: entry["datatype"]?.string ?? ""),
                let shape = entry["shape"]?.array?.compactMap({ $0.int.map(Int.init) }), place + Int(size) <= body.count
            else { throw GyreError(.internal, "A Python worker gave an answer that makes no sense.") }
            outputs.append(
                NamedTensor(
                    name: name, tensor: try Tensor(name, datatype, shape, bytes: body[place..<place + Int(size)])))
            place += Int(size)
        }
        return outputs
    }

    /// Asks what the model says of a request.
    /// - Throws: as `ask`.
    func explain(_ request: JSONValue, timeout: Int64) throws(GyreError) -> JSONValue {
        let head = JSONValue.object(JSONObject([("explain", request), ("bytes", 0)])).bytes
        guard head.count <= Self.longestHead else {
            // Nothing was sent, so the process goes on.
            throw GyreError(.invalid, "The request to explain is too large.", why: "It has \(head.count) bytes.")
        }
        try send(Self.lengthBytes(head.count) + head)
        let (answer, _) = try receive(timeout)
        if let problem = answer["error"]?.string {
            throw GyreError(.invalid, "The model refused to explain the request.", why: problem)
        }
        return answer["explanation"] ?? .null
    }

    // MARK: Messages

    private static func lengthBytes(_ count: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    }

    private func share(_ content: [UInt8]) throws(GyreError) {
        if content.count > requestBytes {
            var size = max(requestBytes, Self.sharedBytes)
            while size < content.count { size *= 2 }
            guard ftruncate(worker.requests, size) == 0 else { throw gone("no memory could be shared with it") }
            requestBytes = size
        }
        var written = 0
        while written < content.count {
            let count = unsafe content.withUnsafeBytes { buffer in
                unsafe pwrite(
                    worker.requests, buffer.baseAddress?.advanced(by: written), buffer.count - written, written)
            }
            if count <= 0 { throw gone("no memory could be shared with it") }
            written += count
        }
    }

    private func send(_ bytes: [UInt8]) throws(GyreError) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    worker.channel, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { throw gone("it takes no requests any more") }
            sent += count
        }
    }

    private func receive(_ timeout: Int64) throws(GyreError) -> (JSONValue, [UInt8]) {
        switch unsafe gyre_worker_wait(&worker, Int32(clamping: timeout / 1000)) {
        case 1: break
        case 0:
            throw GyreError(
                .timeout, "A Python worker did not answer within \(timeout / 1000) ms.",
                why: "It was ended and is started anew.")
        default: throw gone("its process ended")
        }
        let prefix = try read(4)
        let length = prefix.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        guard length <= Self.longestHead else { throw gone("it said something without sense") }
        let text = try read(length)
        // What is no JSON leaves no place to go on from.
        guard let head = try? JSONValue(parsing: text) else { throw gone("it said something without sense") }
        if let size = head["shared"]?.int {
            guard (0...Int64(Limits.tensorBytes)).contains(size) else { throw gone("its answer is too large") }
            var content = [UInt8](repeating: 0, count: Int(size))
            var have = 0
            while have < content.count {
                let count = unsafe content.withUnsafeMutableBytes { buffer in
                    unsafe pread(worker.answers, buffer.baseAddress?.advanced(by: have), buffer.count - have, have)
                }
                if count <= 0 { throw gone("its answer is cut short") }
                have += count
            }
            return (head, content)
        }
        return (head, try read(Int(clamping: max(0, head["bytes"]?.int ?? 0))))
    }

    private func read(_ count: Int) throws(GyreError) -> [UInt8] {
        guard count <= Limits.tensorBytes else { throw gone("its answer is too large") }
        var content = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let more = unsafe content.withUnsafeMutableBytes { buffer in
                unsafe recv(worker.channel, buffer.baseAddress?.advanced(by: have), count - have, 0)
            }
            if more < 0, errno == EINTR { continue }
            if more <= 0 { throw gone("its process ended") }
            have += more
        }
        return content
    }

    private func gone(_ why: String) -> GyreError {
        GyreError(.unavailable, "A Python worker is gone: \(why).", fix: "Try again: another one is started.")
    }
}
