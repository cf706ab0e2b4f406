// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// A person or a program that may sign in.
package struct Account: Sendable, Hashable {
    /// Who it is; never a group.
    package let principal: Principal
    /// A number of its own, which clients of MLflow ask for.
    package let number: Int64
    /// Whether it keeps users, tokens and workspaces, and may do everything everywhere.
    package var isAdministrator: Bool
    /// Whether nothing that it shows is taken.
    package var isDisabled: Bool
    /// What its password is compared with; nil where it has none.
    package var password: PasswordHash?
    /// The name by which the identity provider knows it; nil for one that is kept here.
    package var subject: String?
    /// When it was made, in microseconds since 1970.
    package let createdAt: Int64

    static let kind = "account"

    init(
        _ principal: Principal, number: Int64, isAdministrator: Bool, password: PasswordHash?, subject: String? = nil,
        at createdAt: Int64
    ) {
        self.principal = principal
        self.number = number
        self.isAdministrator = isAdministrator
        self.password = password
        self.subject = subject
        self.createdAt = createdAt
        isDisabled = false
    }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("account", json)
        principal = try Principal(parsing: try stored.text("principal"))
        number = try stored.integer("number")
        isAdministrator = json["administrator"]?.bool ?? false
        isDisabled = json["disabled"]?.bool ?? false
        password = try json["password"].flatMap { json throws(GyreError) in
            json.isNull ? nil : try PasswordHash(stored: json)
        }
        subject = json["subject"]?.string
        createdAt = try stored.integer("created_at")
    }

    var stored: JSONValue {
        [
            "principal": .string(principal.description), "number": .int(number),
            "administrator": .bool(isAdministrator),
            "disabled": .bool(isDisabled), "password": password?.stored ?? .null, "subject": .optional(subject),
            "created_at": .int(createdAt),
        ]
    }

    /// As the native API tells of it: never its password.
    package var json: JSONValue {
        [
            "name": .string(principal.name), "kind": .string(principal.kind.rawValue), "id": .int(number),
            "administrator": .bool(isAdministrator), "disabled": .bool(isDisabled),
            "has_password": .bool(password != nil), "provider_subject": .optional(subject),
            "created_at": .string(Timestamp.text(createdAt)),
        ]
    }
}
