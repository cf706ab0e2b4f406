// SPDX-License-Identifier: Apache-2.0

/// What a call needs: permissions, and on what.
public struct Need: Sendable, Hashable {
    /// What its caller must be allowed, all of them.
    public let permissions: Permissions
    /// On what.
    public let subject: Subject
    /// What it needs beside that.
    public private(set) var others: [Need] = []

    /// What others may have to agree to first; nil for what they never do.
    public private(set) var action: Action?

    /// Something that others may have to agree to.
    public struct Action: Sendable, Hashable {
        /// What rules call it.
        public let name: String
        /// On what it is done.
        public let kind: Thing.Kind
        /// The parameter of the request that names that.
        public let parameter: String
        /// The verbs in the address that it is about; nil for all.
        public let onlyFor: Set<String>?
    }

    /// The same need, for something that others may have to agree to first.
    public func asking(_ name: String, _ kind: Thing.Kind, _ parameter: String, onlyFor: Set<String>? = nil) -> Need {
        var asking = self
        asking.action = Action(name: name, kind: kind, parameter: parameter, onlyFor: onlyFor)
        return asking
    }

    /// On what a permission is needed.
    public enum Subject: Sendable, Hashable {
        /// On nothing: whoever reaches the server may call.
        case anyone
        /// On nothing but having signed in.
        case signedIn
        /// On the whole workspace.
        case workspace
        /// On some things of the kind: the answer holds those that the caller may see and no others.
        case some(Thing.Kind)
        /// On the one thing that a parameter of the request leads to.
        case one(Lead, Place)
    }

    /// What a parameter names, which leads to a thing.
    public enum Lead: String, Sendable, Hashable, CaseIterable {
        case experiment, model, endpoint, dataset, featureView, pipeline
        /// A name of an experiment.
        case experimentName
        /// A tracked run, which leads to its experiment.
        case run
        /// A model that a run logged, which leads to its experiment.
        case loggedModel
        /// A trace, which leads to its experiment.
        case trace
        /// A path below the store of artifacts, which leads to an experiment.
        case artifactPath
        /// A run of a pipeline, which leads to the pipeline.
        case pipelineRun
    }

    /// Where the parameter stands.
    public enum Place: Sendable, Hashable {
        /// In the path or the query.
        case address(String)
        /// In the path, the query or the JSON of the body.
        case argument(String)

        /// The parameter's name.
        public var name: String {
            switch self {
            case .address(let name), .argument(let name): name
            }
        }
    }

    /// These permissions on that subject.
    public init(_ permissions: Permissions, on subject: Subject) {
        self.permissions = permissions
        self.subject = subject
    }

    /// Nothing: whoever reaches the server may call.
    public static let nothing = Need([], on: .anyone)
    /// A name that was proved.
    public static let signedIn = Need([], on: .signedIn)
    /// To see the workspace.
    public static let read = Need(.read, on: .workspace)
    /// To write in the workspace.
    public static let write = Need(.write, on: .workspace)
    /// To move what is live in the workspace.
    public static let operate = Need(.operate, on: .workspace)
    /// To ask whatever model or endpoint there is.
    public static let predict = Need(.predict, on: .workspace)
    /// To run code in the workspace.
    public static let runCode = Need(.runCode, on: .workspace)
    /// To administer the workspace.
    public static let administer = Need(.administer, on: .workspace)
    /// To keep the users of the server.
    public static let manage = Need(.manage, on: .workspace)

    /// To see those of a kind that the caller may see.
    public static func list(_ kind: Thing.Kind) -> Need { Need(.read, on: .some(kind)) }
    /// To see what the argument `name` leads to.
    public static func read(_ lead: Lead, _ name: String) -> Need { Need(.read, on: .one(lead, .argument(name))) }
    /// To change what the argument `name` leads to.
    public static func write(_ lead: Lead, _ name: String) -> Need { Need(.write, on: .one(lead, .argument(name))) }
    /// To move what is live of what the argument `name` leads to.
    public static func operate(_ lead: Lead, _ name: String) -> Need { Need(.operate, on: .one(lead, .argument(name))) }
    /// To ask what the part `name` of the address leads to.
    public static func predict(_ lead: Lead, _ name: String) -> Need { Need(.predict, on: .one(lead, .address(name))) }

    /// Both needs.
    public func and(_ other: Need) -> Need {
        var both = self
        both.others.append(other)
        return both
    }

    /// As the table of routes has it.
    public var text: String {
        let own =
            switch subject {
            case .anyone: "nothing"
            case .signedIn: "signed in"
            case .workspace: permissions.names.joined(separator: " and ")
            case .some(let kind):
                permissions.names.joined(separator: " and ") + ", lists what may be seen of \(kind.rawValue)s"
            case .one(let lead, let place):
                permissions.names.joined(separator: " and ") + " on the \(lead.rawValue) of `\(place.name)`"
            }
        let approval = action.map { ["may wait for approval (\($0.name))"] } ?? []
        return ([own] + others.map(\.text) + approval).joined(separator: "; ")
    }
}
