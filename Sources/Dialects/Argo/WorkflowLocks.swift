// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// `synchronization`: mutexes, and semaphores whose limits this server keeps.
enum WorkflowLocks {
    /// What is to be held; `isOwn` for a template, whose texts see its inputs.
    static func requests(_ json: JSONValue?, _ place: String, isOwn: Bool) throws(GyreError) -> [LockRequest] {
        guard let json, json != .null else { return [] }
        func text(_ text: String) -> String {
            isOwn ? WorkflowText.own(text).stored : WorkflowText.argument(text).stored
        }
        var found: [LockRequest] = []
        for mutex in (json["mutexes"]?.array ?? []) + [json["mutex"]].compactMap(\.self) where mutex != .null {
            guard let name = mutex["name"]?.string else {
                throw GyreError(.invalid, "\(place) has a mutex without a name.")
            }
            let space = mutex["namespace"]?.string ?? "{{workflow.namespace}}"
            // Those of a database are others than those of a cluster, whatever their names.
            let kind = mutex["database"]?.bool == true ? "database-mutex" : "mutex"
            found.append(LockRequest(name: text("\(kind)/\(space)/\(name)"), isExclusive: true))
        }
        for semaphore in (json["semaphores"]?.array ?? []) + [json["semaphore"]].compactMap(\.self)
        where semaphore != .null {
            let name: String
            if let map = semaphore["configMapKeyRef"] {
                name = "\(map["name"]?.string ?? "")/\(map["key"]?.string ?? "")"
            } else if let key = semaphore["database"]?["key"]?.string {
                name = key
            } else {
                throw GyreError(.invalid, "\(place) has a semaphore of no kind that there is.")
            }
            found.append(LockRequest(name: text(name), isExclusive: false))
        }
        return found
    }
}
