// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// What is written about requests and models, as much as Triton's logging extension asks for.
package final class ServingLog: Sendable {
    private let write: @Sendable (String) -> Void
    private let state = Mutex(Settings())
    /// What a request looks at.
    private let verbosity = Atomic(0)

    struct Settings: Sendable {
        var informs = true
        var warns = true
        var tellsErrors = true
        var verbosity = 0
    }

    /// A log that goes to `write`, a line at a time.
    package init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

    var settings: Settings { state.withLock { $0 } }

    /// Sets what is written.
    /// - Throws: `.invalid` for a value that is none; `.unsupported` for what cannot be set here.
    func set(_ changes: JSONObject) throws(GyreError) -> Settings {
        var next = settings
        for member in changes.members {
            switch (member.name, member.value) {
            case ("log_info", .bool(let isOn)): next.informs = isOn
            case ("log_warning", .bool(let isOn)): next.warns = isOn
            case ("log_error", .bool(let isOn)): next.tellsErrors = isOn
            case ("log_verbose_level", .int(let level)) where (0...9).contains(level): next.verbosity = Int(level)
            case ("log_info", let value), ("log_warning", let value), ("log_error", let value),
                ("log_verbose_level", let value):
                throw GyreError(.invalid, "The logging setting \(member.name) is \(value.text.prefix(40)).")
            case ("log_format", .string("default")), ("log_file", .string("")): continue
            default:
                throw GyreError(
                    .unsupported, "The logging setting \"\(member.name.prefix(80))\" cannot be set here.",
                    why: "Lines go to the server's standard error, in one form.")
            }
        }
        let set = next
        state.withLock { $0 = set }
        verbosity.store(set.verbosity, ordering: .relaxed)
        return set
    }

    func inform(_ text: String) { if settings.informs { write(text) } }

    func warn(_ text: String) { if settings.warns { write(text) } }

    /// Writes a line about a request that failed by no fault of its own.
    func failed(_ model: String, _ error: GyreError) {
        guard error.code.httpStatus >= 500, settings.tellsErrors else { return }
        write("predicting with \"\(model.prefix(200))\" failed: \(error)")
    }

    /// Writes a line about an answer, where somebody asked for them.
    func answered(_ model: String, _ version: Int, _ id: String) {
        guard verbosity.load(ordering: .relaxed) > 0 else { return }
        write("predicted with \(model)@\(version), request \(id.prefix(200))")
    }
}

extension ServingLog.Settings {
    /// As the extension tells it.
    var json: JSONValue {
        [
            "log_file": "", "log_info": .bool(informs), "log_warning": .bool(warns), "log_error": .bool(tellsErrors),
            "log_verbose_level": .int(Int64(verbosity)), "log_format": "default",
        ]
    }
}
