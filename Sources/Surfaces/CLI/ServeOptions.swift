// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
package import GyreBase

/// How a home is served.
package struct ServeOptions: ParsableArguments {
    /// Where to listen for HTTP.
    @Option(help: "Where to listen.") package var http = "127.0.0.1:5000"
    /// Where to listen for gRPC; nil for not at all.
    @Option(help: "Where to listen for gRPC (Open Inference Protocol), for example 127.0.0.1:8001.")
    package var grpc: String?
    /// Ports on which one service of BentoML alone is served.
    @Option(
        help:
            "ENDPOINT=HOST:PORT, where the service of BentoML behind an endpoint has a port of its own, as BentoML's client wants it; may be repeated."
    ) package var service: [String] = []
    /// Names of this server beside addresses and `localhost`.
    @Option(
        help:
            "A name, besides addresses and localhost, that browsers and clients know this server by; may be repeated. GYRE_ALLOWED_HOSTS adds more."
    ) package var allowHost: [String] = []
    /// A folder of models in Triton's layout.
    @Option(help: "A folder of models: NAME/config.pbtxt, NAME/1/model.onnx. All of them are loaded.")
    package var modelRepository: String?
    /// Models that are loaded at the start.
    @Option(help: "A model of the repository or the registry to load at the start; may be repeated.")
    package var loadModel: [String] = []
    /// Memory that loaded models may take.
    @Option(
        help:
            "Memory that loaded models may take, such as 512M or 4G. Models are then loaded on first use, and the ones not asked for longest leave."
    ) package var modelMemory: String?

    /// Whether models of clients may run code.
    @Flag(
        help:
            "Let registered models run code of their own (any flavour but ONNX), and let manifests name files of this machine."
    ) package var trustModels = false
    /// In which Python environment models run that only Python runs.
    @Option(
        help: ArgumentHelp(
            "own or shared. By default each model that Python runs has an environment with what it requires, made once for all that require the same; shared runs all of them in the one of set-up. GYRE_WHEELS names a folder of wheels in place of the package index."
        )) package var modelEnvironment = "own"
    /// The dashboard of the Ray cluster that applications of Ray Serve run on.
    @Option(
        help:
            "The dashboard of a Ray cluster that exists, such as http://127.0.0.1:8265, on which applications of Ray Serve run; GYRE_RAY where it is not said."
    ) package var ray: String?
    /// Whether clients may share memory with a server that listens beyond this machine.
    @Flag(
        help:
            "Take tensors from shared memory of this machine also when listening beyond it; on loopback addresses they always are."
    ) package var sharedMemory = false

    /// Whether somebody has to sign in.
    @Flag(
        help:
            "Ask who calls. The first start with it prints a token of the first administrator; from then on it is the default of the home."
    ) package var auth = false
    /// Whether anybody who reaches the server may do anything.
    @Flag(
        help:
            "Ask nobody who calls, also beyond this machine and where there are users: whoever reaches the address may run code, delete models and move traffic."
    ) package var noAuth = false
    /// Addresses of proxies that say who calls.
    @Option(
        help:
            "The address of a proxy that has signed callers in and names them in X-Forwarded-User and X-Forwarded-Groups; may be repeated."
    ) package var trustProxy: [String] = []

    /// Who says who people are.
    @Option(
        help:
            "An identity provider (OpenID Connect) by its issuer, such as https://id.example/realms/ml. People sign in there, and clients bring its tokens."
    ) package var oidcIssuer: String?
    /// What the provider calls this server.
    @Option(help: "What the provider calls this server; GYRE_OIDC_CLIENT_SECRET has its secret.")
    package var oidcClient: String?
    /// For whom tokens may be made.
    @Option(help: "Another audience for which tokens that clients bring may be made; may be repeated.")
    package var oidcAudience: [String] = []
    /// The claim with a person's name.
    @Option(help: "The claim that is a person's name here.") package var oidcNameClaim = "preferred_username"
    /// The claim with a person's groups.
    @Option(help: "The claim that lists a person's groups; groups of the same name here have the roles.")
    package var oidcGroupsClaim = "groups"

    /// The certificate that both ports are encrypted with.
    @Option(
        help:
            "A certificate in PEM, with those that signed it behind it: HTTP and gRPC are encrypted with it. It is read again when the file changes."
    ) package var tlsCertificate: String?
    /// Its key.
    @Option(help: "The key of the certificate, in PEM.") package var tlsKey: String?
    /// Who signs certificates of clients.
    @Option(
        help:
            "Certificates in PEM of those who sign clients' certificates: every client has to show one, and its first DNS name is the service account that it is."
    ) package var tlsClientAuthority: String?
    /// Whether TLS 1.2 is taken too.
    @Flag(help: "Take TLS 1.2 too; by default 1.3 alone.") package var tlsOlder = false
    /// The address by which others know the server.
    @Option(
        help:
            "The address by which others reach this server, behind a proxy for instance: https://ml.example/gyre. Links and tasks use it."
    ) package var publicURL: String?
    /// Sites whose pages may call from browsers.
    @Option(help: "A site whose pages may call from browsers, as https://app.example; may be repeated.")
    package var allowOrigin: [String] = []
    /// Connections at a time.
    @Option(help: "Connections at a time, on each port.") package var maxConnections = 16_384
    /// Connections at a time from one address.
    @Option(help: "Connections at a time from one address, on each port.") package var maxConnectionsPerAddress = 4096
    /// Seconds that the head of a request may take.
    @Option(help: "Seconds that a client may take for the head of a request.") package var headSeconds: Int64 = 30
    /// Seconds that a client may stand still.
    @Option(help: "Seconds that a client may send or take nothing in the middle of a request.")
    package var stillSeconds: Int64 = 60

    /// What is usual: the port on this machine alone, and no model served without being asked for.
    package init() {}

    /// `service` in its parts.
    /// - Throws: `.invalid` for what is no ENDPOINT=HOST:PORT.
    package func services() throws(GyreError) -> [(endpoint: String, address: String)] {
        try service.map { text throws(GyreError) in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw GyreError(
                    .invalid, "\"\(text)\" names no endpoint and address.", fix: "--service sums=127.0.0.1:3000")
            }
            return (parts[0], parts[1])
        }
    }

    /// `modelMemory` in bytes; 0 for any.
    /// - Throws: `.invalid` for what is no size.
    package func modelMemoryBytes() throws(GyreError) -> Int64 {
        guard let modelMemory else { return 0 }
        let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        let text = modelMemory.uppercased().filter { $0 != "B" && $0 != "I" }
        let unit = text.last.flatMap { units[$0] }
        guard let number = Double(unit == nil ? text[...] : text.dropLast()), number > 0, number < 1e15 else {
            throw GyreError(.invalid, "\"\(modelMemory)\" is no size.", fix: "Write it as 512M or 4G.")
        }
        return Int64(number * Double(unit ?? 1))
    }

    package func validate() throws {
        _ = try modelMemoryBytes()
        _ = try services()
        if auth, noAuth { throw ValidationError("--auth and --no-auth exclude each other.") }
        guard (oidcIssuer == nil) == (oidcClient == nil) else {
            throw ValidationError("--oidc-issuer and --oidc-client belong together.")
        }
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key belong together.")
        }
        guard tlsClientAuthority == nil || tlsCertificate != nil else {
            throw ValidationError("--tls-client-authority needs --tls-certificate.")
        }
        guard maxConnections > 0, maxConnectionsPerAddress > 0, headSeconds > 0, stillSeconds > 0 else {
            throw ValidationError("Limits are positive numbers.")
        }
        guard ["own", "shared"].contains(modelEnvironment) else {
            throw ValidationError("--model-environment is own or shared.")
        }
    }
}
