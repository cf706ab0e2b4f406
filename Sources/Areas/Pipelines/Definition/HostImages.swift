// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Images whose commands can be run without containers, on the programs and the Python of this machine.
package struct HostImages: Sendable, Hashable {
    /// Their names without registry, path, tag and digest; what ends in `*` stands for all that begin so.
    package let names: [String]

    /// Images of these names.
    package init(_ names: [String] = Self.usual) { self.names = names }

    /// A small system with a shell, or Python 3.
    package static let usual = ["python", "python-3*", "alpine", "bash", "busybox", "debian", "ubuntu"]

    /// Whether an image is one of them.
    package func contains(_ image: String) -> Bool {
        let last = image.split(separator: "/").last.map(String.init) ?? ""
        let name = String(last.prefix { $0 != ":" && $0 != "@" })
        let tag = last.firstIndex(of: ":").map { String(last[last.index(after: $0)...]) } ?? ""
        // Python 2 is another language.
        if name == "python", tag.first == "2" { return false }
        return names.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }
}

extension Pipeline {
    /// Refuses images that cannot be run here, before anything runs.
    func checkImages(_ executor: any TaskExecutor) throws(GyreError) {
        for (name, component) in components.sorted(by: { $0.key < $1.key }) {
            guard case .container(let container) = component.body else { continue }
            if !language.knowsImage(of: container) || executor.runs(container.image) { continue }
            throw GyreError(
                .unsupported,
                "The image \"\(container.image.prefix(200))\" of the component \"\(name)\" cannot be run here.",
                why:
                    "Images called \(HostImages.usual.joined(separator: ", ")) and those of GYRE_TASK_IMAGES stand for this "
                    + "machine's own programs; for others neither podman nor docker is at hand.",
                fix: "Install podman, or take python:3.11 as base_image.")
        }
    }
}
