// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
package import GyreBase
internal import NIOCore
internal import NIOHTTP1

/// Where a bucket is and who asks: from settings, the environment, AWS's files, and what the machine is given.
package struct BucketPlace: Sendable {
    /// What the store calls it.
    package let bucket: String
    /// What stands before each name in it; without slashes around, empty for none.
    package let prefix: String
    /// The service's address where it is not AWS; names of buckets are in the path then.
    package let endpoint: String?
    /// Where the store keeps it, as in `eu-central-1`.
    package let region: String
    /// Who asks; nil for nobody.
    package let credentials: StoreCredentials?

    /// A place of these parts.
    package init(
        bucket: String, prefix: String, endpoint: String?, region: String, credentials: StoreCredentials?
    ) {
        self.bucket = bucket
        self.prefix = prefix
        self.endpoint = endpoint.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        self.region = region
        self.credentials = credentials
    }

    /// The place of `s3://bucket/prefix`.
    ///
    /// `settings` have DVC's names: `endpointurl`, `region`, `profile`, `credentialpath`, `access_key_id`, `secret_access_key`,
    /// `session_token`, `allow_anonymous_login`. `read` gives the text of a file, nil where it is not there.
    /// - Throws: `.invalid` for a URL without a bucket; `.unauthenticated` where no keys are to be had.
    package static func find(
        _ url: String, settings: [String: String], environment: [String: String], read: (String) -> String?
    ) async throws(GyreError) -> BucketPlace {
        guard url.hasPrefix("s3://") else { throw GyreError(.invalid, "\"\(url)\" is no address of a bucket.") }
        let parts = url.dropFirst(5).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bucket = parts.first, !bucket.isEmpty else {
            throw GyreError(.invalid, "\"\(url)\" names no bucket.", fix: "Write s3://BUCKET/PREFIX.")
        }
        let prefix = parts.count == 2 ? parts[1].split(separator: "/").joined(separator: "/") : ""
        let home = environment["HOME"] ?? "/root"
        let profile = settings["profile"] ?? environment["AWS_PROFILE"] ?? "default"
        let secrets = SectionFile(
            read(settings["credentialpath"] ?? environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home + "/.aws/credentials")
                ?? "")
        let config = SectionFile(read(environment["AWS_CONFIG_FILE"] ?? home + "/.aws/config") ?? "")
        let section = profile == "default" ? "default" : "profile \(profile)"
        let endpoint =
            settings["endpointurl"] ?? environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"]
            ?? config.value(section, "endpoint_url")
        let region =
            settings["region"] ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
            ?? config.value(section, "region") ?? "us-east-1"
        var credentials: StoreCredentials?
        if ["true", "yes", "1"].contains(settings["allow_anonymous_login"]?.lowercased() ?? "") {
            credentials = nil
        } else if let key = settings["access_key_id"], let secret = settings["secret_access_key"] {
            credentials = StoreCredentials(accessKey: key, secretKey: secret, sessionToken: settings["session_token"])
        } else if settings["profile"] == nil, let key = environment["AWS_ACCESS_KEY_ID"],
            let secret = environment["AWS_SECRET_ACCESS_KEY"]
        {
            credentials = StoreCredentials(
                accessKey: key, secretKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"])
        } else if let key = secrets.value(profile, "aws_access_key_id") ?? config.value(section, "aws_access_key_id"),
            let secret = secrets.value(profile, "aws_secret_access_key")
                ?? config.value(section, "aws_secret_access_key")
        {
            credentials = StoreCredentials(
                accessKey: key, secretKey: secret, sessionToken: secrets.value(profile, "aws_session_token"))
        } else if let given = await MachineCredentials.ask(environment) {
            credentials = given
        } else {
            throw GyreError(
                .unauthenticated, "There are no keys for \(url).",
                why:
                    "Neither settings nor AWS_ACCESS_KEY_ID, nor the profile \"\(profile)\", nor this machine have any.",
                fix: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or allow_anonymous_login for a public bucket.")
        }
        return BucketPlace(
            bucket: String(bucket), prefix: prefix, endpoint: endpoint, region: region, credentials: credentials)
    }
}

/// Keys that a machine of AWS is given: by its container, or by its instance.
enum MachineCredentials {
    static func ask(_ environment: [String: String]) async -> StoreCredentials? {
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            return await read("http://169.254.170.2\(path)", [])
        }
        if let url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            let token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"].map { [("authorization", $0)] } ?? []
            return await read(url, token)
        }
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let base = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        guard
            let token = await text(
                "PUT", "\(base)/latest/api/token", [("x-aws-ec2-metadata-token-ttl-seconds", "21600")])
        else { return nil }
        let roles = "\(base)/latest/meta-data/iam/security-credentials/"
        let header = [("x-aws-ec2-metadata-token", token)]
        guard let role = await text("GET", roles, header)?.split(separator: "\n").first else { return nil }
        return await read(roles + role, header)
    }

    private static func read(_ url: String, _ headers: [(String, String)]) async -> StoreCredentials? {
        // Whatever goes wrong here means that the machine is given none.
        guard let text = await text("GET", url, headers), let told = try? JSONValue(parsing: text),
            let key = told["AccessKeyId"]?.string, let secret = told["SecretAccessKey"]?.string
        else { return nil }
        return StoreCredentials(accessKey: key, secretKey: secret, sessionToken: told["Token"]?.string)
    }

    private static func text(_ method: String, _ url: String, _ headers: [(String, String)]) async -> String? {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        // Nobody answers on a machine that is not AWS's: that is no failure.
        guard let answer = try? await HTTPClient.shared.execute(request, timeout: .seconds(1)), answer.status == .ok,
            let body = try? await answer.body.collect(upTo: 1 << 16)
        else { return nil }
        return String(decoding: body.readableBytesView, as: UTF8.self)
    }
}

/// A file of sections with `name = value`, as AWS's tools keep them.
struct SectionFile {
    private var values: [String: [String: String]] = [:]

    init(_ text: String) {
        var section = ""
        for line in text.split(separator: "\n") {
            let line = Self.trimmed(line)
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = Self.trimmed(line.dropFirst().dropLast())
            } else if !line.hasPrefix("#"), !line.hasPrefix(";"), let equals = line.firstIndex(of: "=") {
                values[section, default: [:]][Self.trimmed(line[..<equals])] = Self.trimmed(
                    line[line.index(after: equals)...])
            }
        }
    }

    func value(_ section: String, _ name: String) -> String? { values[section]?[name] }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
