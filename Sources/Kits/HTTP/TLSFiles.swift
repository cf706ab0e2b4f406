// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import NIOSSL
internal import Synchronization

/// A certificate and its key, read from files and read again when those change.
package final class TLSFiles: Sendable {
    /// What whoever serves has chosen.
    package struct Choice: Sendable, Hashable {
        /// The file of the certificate, with those that it was signed by behind it (PEM).
        package var certificate: String
        /// The file of its key (PEM).
        package var key: String
        /// The file of those who sign certificates of clients (PEM); nil where clients have none.
        package var clientAuthority: String?
        /// Whether TLS 1.2 is taken too.
        package var takesOlder = false

        /// A certificate and its key.
        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    private struct State: Sendable {
        var context: NIOSSLContext
        var stamps: [Date]
    }

    private let choice: Choice
    private let protocols: [String]
    private let state: Mutex<State>

    /// Reads the files; `protocols` are what is spoken inside, the best first.
    /// - Throws: `.invalid` for files that cannot be read.
    package init(_ choice: Choice, protocols: [String]) throws(GyreError) {
        self.choice = choice
        self.protocols = protocols
        state = Mutex(State(context: try Self.context(choice, protocols), stamps: Self.stamps(choice)))
    }

    /// What new connections are encrypted with.
    package var context: NIOSSLContext { state.withLock { $0.context } }

    /// Whether clients show certificates.
    package var asksClients: Bool { choice.clientAuthority != nil }

    /// Reads the files again where they have changed; those that cannot be read leave what there is.
    package func reload() throws(GyreError) {
        let stamps = Self.stamps(choice)
        guard stamps != state.withLock({ $0.stamps }) else { return }
        let context = try Self.context(choice, protocols)
        state.withLock { $0 = State(context: context, stamps: stamps) }
    }

    private static func stamps(_ choice: Choice) -> [Date] {
        [choice.certificate, choice.key, choice.clientAuthority ?? ""].map { path in
            // A file that is not there has no time.
            (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date ?? .distantPast
        }
    }

    private static func context(_ choice: Choice, _ protocols: [String]) throws(GyreError) -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(choice.certificate).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: choice.key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = choice.takesOlder ? .tlsv12 : .tlsv13
            configuration.applicationProtocols = protocols
            if let authority = choice.clientAuthority {
                configuration.trustRoots = .file(authority)
                configuration.certificateVerification = .noHostnameVerification
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw GyreError(
                .invalid, "The certificate \(choice.certificate) cannot be used with the key \(choice.key).",
                why: "\(error)", fix: "Both are files in PEM, the key without a password.")
        }
    }
}
