// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
internal import Glibc
package import GyreBase
internal import GyreNotification
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Posts events over HTTP.
///
/// An address inside of the own network is refused, and the connection goes to the very address that was checked, so that a name which
/// changes its mind in between leads nowhere else.
package struct HTTPWebhookSender: WebhookSender {
    private let allowsPrivate: Bool
    private static let timeoutSeconds: Int64 = 30
    private static let answerBytes = 4096

    /// A sender; `allowsPrivate` where somebody decided that addresses of the own network are fine.
    package init(allowsPrivate: Bool) { self.allowsPrivate = allowsPrivate }

    package func check(_ url: String) async throws(GyreError) {
        let host = URL(string: url)?.host ?? ""
        do { _ = try await address(of: host) } catch  where error.code == .unavailable {
            // A name that is not known yet may be known by the time that something happens.
        }
    }

    package func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8]
    ) async throws(GyreError) -> (status: Int, body: String) {
        let host = URL(string: url)?.host ?? ""
        let address = try await address(of: host)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10), read: .seconds(Self.timeoutSeconds)))
        configuration.dnsOverride = [host: address]
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            var request = HTTPClientRequest(url: url)
            request.method = .POST
            for (name, value) in headers { request.headers.add(name: name, value: value) }
            request.body = .bytes(body)
            let answer = try await client.execute(request, timeout: .seconds(Self.timeoutSeconds))
            var text = ""
            for try await piece in answer.body {
                text += String(buffer: piece)
                if text.utf8.count > Self.answerBytes { break }
            }
            try await client.shutdown()
            return (Int(answer.status.code), String(text.prefix(Self.answerBytes)))
        } catch {
            try? await client.shutdown()  // the error that counts is the first one
            throw GyreError(.unavailable, "Failed to post to \(url.prefix(200)).", why: "\(error)")
        }
    }

    /// The address that a name stands for.
    private func address(of host: String) async throws(GyreError) -> String {
        let found: [String]
        do {
            found = try await NIOThreadPool.singleton.runIfActive { Self.resolve(host) }
        } catch {
            throw GyreError.wrapping(error, "Finding the address of \(host.prefix(200))")
        }
        guard let first = found.first else {
            throw GyreError(.unavailable, "The name \"\(host.prefix(200))\" is not known.")
        }
        if !allowsPrivate, let inner = found.first(where: { !Self.isPublic($0) }) {
            throw GyreError(
                .invalid,
                "Webhook URL must not resolve to a non-public IP address. '\(host.prefix(200))' resolves to \(inner).",
                fix: "Set MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true where the server starts, if that is meant.")
        }
        return first
    }

    private static func resolve(_ host: String) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let name = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard unsafe getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [String] = []
        var next = unsafe list
        while let entry = unsafe next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let status = unsafe getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            if status == 0 {
                let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
                found.append(String(decoding: bytes, as: UTF8.self))
            }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    /// Whether an address is reachable from everywhere, and not the own machine, network or cloud's inside.
    static func isPublic(_ address: String) -> Bool {
        let text = address.lowercased().hasPrefix("::ffff:") ? String(address.dropFirst(7)) : address
        let parts = text.split(separator: ".").compactMap { UInt8($0) }
        if parts.count == 4 {
            switch (parts[0], parts[1]) {
            case (0, _), (10, _), (127, _), (169, 254), (192, 168), (198, 18), (198, 19), (224...255, _): return false
            case (172, 16...31), (100, 64...127), (192, 0): return false
            default: return true
            }
        }
        let lower = text.lowercased()
        let prefixes = ["::", "fc", "fd", "fe8", "fe9", "fea", "feb", "ff", "2001:db8", "64:ff9b"]
        return !prefixes.contains { lower.hasPrefix($0) }
    }
}
