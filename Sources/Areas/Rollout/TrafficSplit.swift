// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Which deployments of an endpoint get its traffic: the value of its one live pointer.
package struct TrafficSplit: Sendable, Hashable {
    /// What gets the traffic.
    package let stable: Target
    /// What is tried beside it.
    package let canary: Target?
    /// Percent of the traffic that the canary gets; 0 without one.
    package let canaryPercent: Int
    /// Whether the canary gets a copy of each request that stable answers.
    package let isMirrored: Bool

    /// A deployment: a model version that went out with a release.
    package struct Target: Sendable, Hashable {
        /// The model's version.
        package let version: Int
        /// The release it went out with.
        package let release: Int

        /// A target.
        package init(version: Int, release: Int) {
            self.version = version
            self.release = release
        }

        init?(json: JSONValue?) {
            guard let version = json?["version"]?.int, let release = json?["release"]?.int else { return nil }
            self.init(version: Int(version), release: Int(release))
        }

        var json: JSONValue { ["version": .int(Int64(version)), "release": .int(Int64(release))] }
    }

    /// Which requests go where whatever the shares are; the first that fits counts.
    package var rules: [TrafficRule] = []
    /// What chooses between its arms in place of the shares; nil for none.
    package var bandit: Bandit?

    /// All traffic to one target.
    package init(stable: Target) {
        self.stable = stable
        canary = nil
        canaryPercent = 0
        isMirrored = false
    }

    /// Traffic for two targets.
    package init(stable: Target, canary: Target, canaryPercent: Int, isMirrored: Bool = false) {
        self.stable = stable
        self.canary = canary
        self.canaryPercent = max(0, min(100, canaryPercent))
        self.isMirrored = isMirrored
    }

    /// The split that a pointer holds.
    package init?(json: JSONValue?) {
        guard let stable = Target(json: json?["stable"]) else { return nil }
        if let canary = Target(json: json?["canary"]) {
            self.init(
                stable: stable, canary: canary, canaryPercent: Int(json?["canary_percent"]?.int ?? 0),
                isMirrored: json?["mirrored"]?.bool ?? false)
        } else {
            self.init(stable: stable)
        }
        // What was stored was checked when it was.
        rules = (try? TrafficRule.read(json?["rules"])) ?? []
        bandit = Bandit(json: json?["bandit"])
    }

    /// As the pointer holds it.
    package var json: JSONValue {
        var json: JSONValue = [
            "stable": stable.json, "canary": canary.map(\.json) ?? .null, "canary_percent": .int(Int64(canaryPercent)),
            "mirrored": .bool(isMirrored),
        ]
        if !rules.isEmpty { json["rules"] = .array(rules.map(\.json)) }
        if let bandit { json["bandit"] = bandit.json }
        return json
    }

    /// Why a request met the deployment it met.
    package enum Reason: Sendable, Hashable {
        /// There was only one.
        case alone
        /// By chance, by the shares.
        case share
        /// By its sticky key.
        case key
        /// By a rule about this attribute.
        case rule(String)
        /// A bandit chose.
        case bandit
    }

    /// The target of a request by rules, key and shares.
    ///
    /// `random`: a number in 0..<1.
    package func assign(
        attributes: [String: String], key: String?, random: () -> Double
    ) -> (target: Target, reason: Reason, probability: Double?) {
        if !rules.isEmpty, let rule = rules.first(where: { $0.fits(attributes) }) {
            return (rule.isForCanary ? canary ?? stable : stable, .rule(rule.attribute), 1)
        }
        guard let canary, canaryPercent > 0 else { return (stable, .alone, 1) }
        let isCanary = (key.map(Self.point) ?? random() * 100) < Double(canaryPercent)
        let share = Double(canaryPercent) / 100
        return (isCanary ? canary : stable, key == nil ? .share : .key, isCanary ? share : 1 - share)
    }

    /// All targets that must be loaded.
    package var targets: [Target] {
        [stable] + (canary.map { [$0] } ?? []) + (bandit?.arms.filter { $0 != stable } ?? [])
    }

    /// The pointer of an endpoint's traffic.
    package static func pointer(_ endpoint: String) -> Pointer.Name { "endpoint/\(endpoint)#traffic" }

    /// Where a sticky key falls in 0..<100: FNV-1a, so that the same key always meets the same side.
    package static func point(of key: String) -> Double {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        return Double(hash % 10_000) / 100
    }
}
