// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The ledger, and the upkeep of a home.
extension API {
    /// An entry of the ledger.
    package struct Fact: APIObject {
        /// Its place.
        package var seq: Int64
        /// When it was written.
        package var at: Int64
        /// Who did it.
        package var actor: String
        /// What happened.
        package var kind: String
        /// To what.
        package var subject: String
        /// What was read.
        package var inputs: [String]
        /// What came of it.
        package var outputs: [String]
        /// More about it.
        package var body: JSONValue
        /// The hash of the fact before it.
        package var prevHash: String?
        /// Its own hash.
        package var hash: String?
        /// What it says of people, opened; null where nothing is said, or it was erased.
        package var personal: JSONValue?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// Facts.
    package struct FactList: APIObject {
        /// Newest first, or as asked for.
        package var facts: [Fact]
    }

    /// The end of the chain.
    package struct Head: APIObject {
        /// The last fact.
        package var seq: Int64
        /// SHA-256 over this fact and the one before it, in hexadecimal digits.
        package var hash: String
    }

    /// A fault of the chain.
    package struct Finding: APIObject {
        /// Where.
        package var seq: Int64
        /// What.
        package var problem: String
    }

    /// What re-hashing the chain found.
    package struct Verification: APIObject {
        /// Whether all is as it was written.
        package var intact: Bool
        /// How many facts were read.
        package var facts: Int64
        /// How many signed states fit what was read.
        package var signed: Int
        /// What is wrong.
        package var findings: [Finding]
    }

    /// What checks the ledger's signatures.
    package struct LedgerKey: APIObject {
        /// `NAME+NUMBER+KEY`, as signed notes have keys of verifiers.
        package var key: String
    }

    /// A signed state of the ledger.
    package struct SignedState: APIObject {
        /// The signed note.
        package var checkpoint: String
    }

    /// What proves that a fact is in the signed ledger.
    package struct Inclusion: APIObject {
        /// The fact's place.
        package var seq: Int64
        /// How many facts the signed state is over.
        package var size: Int64
        /// The fact as it was hashed.
        package var canonical: String
        /// The hash of the fact before it, in hexadecimal digits.
        package var prevHash: String
        /// Its own.
        package var hash: String
        /// The sisters on the way from the fact to the root, in hexadecimal digits.
        package var path: [String]
        /// The signed note.
        package var checkpoint: String
        /// What checks its signature.
        package var key: String
    }

    /// A step of the lineage.
    package struct Edge: APIObject {
        /// What was read.
        package var input: String
        /// What came of it.
        package var output: String
        /// What happened.
        package var kind: String
        /// The fact.
        package var seq: Int64
    }

    /// What a thing came from, or what was made of it.
    package struct Lineage: APIObject {
        /// The thing.
        package var root: String
        /// All that was found.
        package var nodes: [String]?
        /// How they hang together.
        package var edges: [Edge]?
        /// Whether there is more.
        package var cut: Bool?
        /// The way to another thing, where that was asked for.
        package var path: [Edge]?
    }

    /// Where live pointers go back to.
    package struct LedgerRollbackRequest: APIObject {
        /// The fact after which they stood so.
        package var to: Int64
    }

    /// A pointer that moves.
    package struct Move: APIObject {
        /// What moves: `endpoint/NAME#traffic` and others.
        package var pointer: String
        /// Where it stands.
        package var old: JSONValue
        /// Where it goes.
        package var new: JSONValue
    }

    /// Pointers that went back.
    package struct LedgerRollback: APIObject {
        /// The fact.
        package var to: Int64
        /// Pointer by pointer.
        package var moves: [Move]
    }

    /// Which home is served.
    package struct Home: APIObject {
        /// The folder.
        package var home: String?
        /// The folder's device.
        package var device: String?
        /// The folder's inode.
        package var inode: String?
        /// An id of this run of the server.
        package var id: String?
        /// Its process.
        package var pid: Int?
        /// Where it listens.
        package var http: String?
    }

    /// Something that is looked for.
    package struct DoctorItem: APIObject {
        /// What.
        package var name: String
        /// Whether it is well.
        package var ok: Bool
        /// Its version, or how it stands.
        package var version: String?
        /// Where it is.
        package var path: String?
        /// What to do.
        package var fix: String?
    }

    /// What is installed.
    package struct Doctor: APIObject {
        /// One after the other.
        package var items: [DoctorItem]
        /// The home folder.
        package var home: String
    }

    /// What is removed for good.
    package struct CollectRequest: APIObject {
        /// Only what was deleted so long ago; 30 days where it is left out.
        package var deletedForSeconds: Int64?
        /// Blobs that are younger stay; an hour where it is left out.
        package var graceSeconds: Int64?
    }

    /// A thing by id and name.
    package struct Named: APIObject {
        /// What tells it apart; the server makes it.
        package var id: String
        /// What users call it.
        package var name: String
    }

    /// What stays although it was deleted.
    package struct Kept: APIObject {
        /// The thing itself, as a reference.
        package var what: String
        /// What needs it.
        package var neededBy: String
    }

    /// What was removed, or would be.
    package struct Collected: APIObject {
        /// Those that are tracked, by id and name.
        package var runs: [Named]
        /// Groups of tracked ones, by id and name.
        package var experiments: [Named]
        /// Those that were logged and not registered, by id and name.
        package var loggedModels: [Named]
        /// What stays.
        package var kept: [Kept]
        /// Blobs that went.
        package var blobs: Int64?
        /// Bytes that are free now.
        package var freedBytes: Int64?
    }

    /// A blob that was sent.
    package struct StoredBlob: APIObject {
        /// Its digest.
        package var sha256: String
        /// Its bytes.
        package var size: Int64
    }

    /// Digests of blobs.
    package struct BlobList: APIObject {
        /// In order.
        package var blobs: [String]
        /// How many there are in all.
        package var total: Int
    }

    /// Blobs that are read again.
    package struct BlobsRequest: APIObject {
        /// At most 1,000 digests.
        package var blobs: [String]?
    }

    /// A blob that is damaged.
    package struct DamagedBlob: APIObject {
        /// Its digest.
        package var sha256: String
        /// What is wrong.
        package var what: String
        /// The cause, where it is known.
        package var why: String?
    }

    /// What reading blobs again found.
    package struct BlobsRead: APIObject {
        /// Bytes that were read.
        package var bytes: Int64
        /// Those that are damaged.
        package var damaged: [DamagedBlob]
    }

    /// No body, or an empty object.
    package struct NoBody: APIObject {}

    /// A body in a format of its own: a project, a dataset's files.
    package struct Document: APIObject {
        package static let isOpen = true
        /// Reads anything.
        package init(from decoder: any Decoder) {}
    }

    /// An answer whose members hang on what is asked.
    package struct AnyAnswer: APIObject {
        /// Whether nothing was done.
        package var dryRun: Bool?
    }
}
