// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// One change to what the ledger's store keeps beside the facts; it is made in the transaction of the fact that tells it.
package enum Change: Sendable, Hashable {
    /// Writes a document under its kind and key, over an older one.
    case put(Document)
    /// Writes a document; `.alreadyExists` if there is one.
    case create(Document)
    /// Removes a document if it is there.
    case remove(kind: String, key: String)
    /// Sets a live pointer; nil removes it. The store notes the old value in the fact.
    case move(Pointer.Name, to: JSONValue?)
    /// As `move`, but `.conflict` unless the pointer still has the value `expecting`.
    case moveIf(Pointer.Name, expecting: JSONValue?, to: JSONValue?)
}

/// A noun of an area as a document.
package struct Document: Sendable, Hashable {
    /// The noun: `dataset-version`, `release` and more.
    package let kind: String
    /// Unique within the kind; lists come in the order of their keys.
    package let key: String
    /// The content.
    package let body: JSONValue

    /// A document.
    package init(_ kind: String, _ key: String, _ body: JSONValue) {
        self.kind = kind
        self.key = key
        self.body = body
    }
}

/// A live thing: an alias, a traffic split, a feature view's online version.
///
/// Rolling back is moving pointers.
package struct Pointer: Sendable, Hashable {
    /// `endpoint/delay#traffic`: the ref of the thing and the property that moves.
    package typealias Name = String
    /// Which pointer.
    package let name: Name
    /// Where it points.
    package let value: JSONValue

    /// A pointer's state.
    package init(_ name: Name, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

/// A move as a fact keeps it.
package struct PointerMove: Sendable, Hashable {
    /// Which pointer.
    package let pointer: Pointer.Name
    /// Its value before; null where there was none.
    package let old: JSONValue
    /// Its value after; null where it was removed.
    package let new: JSONValue

    /// A move.
    package init(_ pointer: Pointer.Name, old: JSONValue, new: JSONValue) {
        self.pointer = pointer
        self.old = old
        self.new = new
    }

    init?(json: JSONValue) {
        guard let pointer = json["pointer"]?.string else { return nil }
        self.init(pointer, old: json["old"] ?? .null, new: json["new"] ?? .null)
    }

    /// As the fact's body holds it.
    package var json: JSONValue { ["pointer": .string(pointer), "old": old, "new": new] }
}
