// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// MARK: - Settings that every target has

let houseStyle: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

// MARK: - Libraries from elsewhere, by the name we call them

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let nioExtras = Target.Dependency.product(name: "NIOExtras", package: "swift-nio-extras")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

// MARK: - One helper per kind of target

/// `Sources/<folder>/<Name>` as the module `Gyre<Name>`.
func layer(_ folder: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: "Gyre\(name)", dependencies: dependencies, path: "Sources/\(folder)/\(name)", swiftSettings: houseStyle)
}

/// An area: its nouns, rules, service and ports; it knows the core only.
func area(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    layer("Areas", name, ["GyreBase", "GyreLedger"] + dependencies)
}

/// What joins areas, with a first page that says which and why.
func joint(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: "Gyre\(name)", dependencies: ["GyreBase"] + dependencies, path: "Sources/Joints/\(name)",
        exclude: ["README.md"], swiftSettings: houseStyle)
}

/// A protocol or file format of another system.
func dialect(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: "Gyre\(name)",
        dependencies: ["GyreAccess", "GyreBase", "GyreLedger", "GyreSearch", "GyreHTTP"] + dependencies,
        path: "Sources/Dialects/\(name)", exclude: ["README.md"], swiftSettings: houseStyle)
}

/// Tests in `Tests/<name>`.
///
/// They import as Swift does by default: a test has no importers to keep things from.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: ["GyreBase", "GyreTestSupport"] + dependencies, path: "Tests/\(name)",
        exclude: ["ClientTests", "CrashTests"].contains(name)
            ? ["Scripts"] : name == "DialectTests" ? ["Exchanges"] : [],
        swiftSettings: [.swiftLanguageMode(.v6)])
}

/// C that opens a library at run time; imports nothing of ours.
func shim(_ name: String) -> Target {
    .target(name: name, path: "Sources/Shims/\(name)", linkerSettings: [.linkedLibrary("dl")])
}

/// An implementation of ports; imported by App and tests only.
func adapter(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    layer("Adapters", name, ["GyreBase"] + dependencies)
}

let package = Package(
    name: "gyre",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0"),
        .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit.git", exact: "5.7.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", exact: "1.0.2"),
    ],
    targets: [
        // Core
        layer("Core", "Base", [crypto]),
        layer("Core", "Access", ["GyreBase"]),
        layer("Core", "Ledger", ["GyreBase", "GyreAccess", crypto]),
        layer("Core", "Search", ["GyreBase"]),
        layer("Core", "Tables", ["GyreBase", "GyreLedger"]),

        // Areas
        area("Approvals", []),
        area("Evaluation", []),
        area("Features", ["GyreTables"]),
        area("Identity", ["GyreAccess", crypto, cryptoExtras]),
        area("Monitoring", []),
        area("Notification", [crypto]),
        area("Pipelines", []),
        area("Quality", ["GyreTables"]),
        area("Registry", ["GyreSearch"]),
        area("Releases", []),
        area("Rollout", []),
        area("Serving", ["CAllocator"]),
        area("Tracking", ["GyreSearch"]),
        area("Tracing", ["GyreSearch"]),
        area("Vault", [crypto]),
        area("Versioning", ["GyreTables"]),

        // Kits
        layer(
            "Kits", "GRPC",
            ["GyreAccess", "GyreBase", "GyreHTTP", nioCore, nioExtras, nioHPACK, nioHTTP2, nioPosix, nioSSL]),
        layer(
            "Kits", "DVC",
            ["GyreBase", "GyreObjectStores", "GyreYAML", crypto, httpClient, nioCore, nioHTTP1]),
        layer("Kits", "ObjectStores", ["GyreBase", crypto, httpClient, nioCore, nioHTTP1]),
        layer("Kits", "HTML", []),
        layer("Kits", "Ray", ["GyreBase", httpClient, nioCore, nioHTTP1]),
        layer("Kits", "YAML", ["GyreBase", yams]),
        layer(
            "Kits", "HTTP",
            [
                "CZlib", "GyreAccess", "GyreBase", hummingbird, hummingbirdCore, httpTypes, logging, nioCore, nioHTTP1,
                nioPosix, nioSSL, nioTLS,
                serviceLifecycle,
            ]),

        // Joints: what joins areas
        joint(
            "Delivery",
            [
                "GyreAccess", "GyreLedger", "GyreMonitoring", "GyreRegistry", "GyreReleases", "GyreRollout",
                "GyreServing",
                "GyreTracing", "GyreTracking",
            ]),
        joint(
            "Loop",
            [
                "GyreDelivery", "GyreFeatures", "GyreLedger", "GyreMonitoring", "GyrePipelines", "GyreQuality",
                "GyreRegistry", "GyreReleases", "GyreRollout", "GyreSearch", "GyreServing", "GyreTables",
                "GyreTracking", "GyreVersioning",
            ]),
        joint(
            "Upkeep",
            [
                "GyreDelivery", "GyreLedger", "GyreNotification", "GyreRegistry", "GyreReleases", "GyreSearch",
                "GyreTracking",
            ]),

        // Surfaces
        dialect("Argo", ["GyrePipelines", "GyreYAML"]),
        dialect("DataRemotes", ["GyreDVC", "GyreVersioning"]),
        dialect("GX", ["GyreQuality"]),
        dialect("KFP", ["GyrePipelines", "GyreYAML"]),
        dialect("Metaflow", ["GyrePipelines"]),
        dialect(
            "MLflow",
            [
                "GyreEvaluation", "GyreIdentity", "GyreNotification", "GyreRegistry", "GyreTracing", "GyreTracking",
                "GyreYAML",
            ]),
        dialect("OTLP", ["GyreTracing", "ProtoOTLP", protobuf]),
        dialect(
            "Native",
            [
                "GyreAPI", "GyreApprovals", "GyreDelivery", "GyreFeatures", "GyreIdentity", "GyreLoop",
                "GyreMonitoring",
                "GyrePipelines",
                "GyreQuality", "GyreRegistry", "GyreReleases", "GyreRollout", "GyreServing", "GyreTracing",
                "GyreTracking",
                "GyreUpkeep", "GyreVault", "GyreVersioning",
            ]),
        dialect("KServe", ["GyreDelivery", "GyreServing"]),
        dialect("Scoring", ["GyreDelivery", "GyreServing"]),
        dialect("TFServing", ["GyreDelivery", "GyreServing"]),
        dialect("Services", ["GyreDelivery", "GyreServing"]),
        dialect("Seldon", ["GyreDelivery", "GyreMonitoring", "GyreServing"]),
        dialect(
            "OIP",
            ["GyreDelivery", "GyreServing", "GyreGRPC", "ProtoInference", protobuf]),

        layer("Surfaces", "API", ["GyreBase"]),
        layer("Surfaces", "Gate", ["GyreAccess", "GyreBase", "GyreGRPC", "GyreHTTP", "GyreIdentity"]),
        layer("Surfaces", "Console", ["GyreAccess", "GyreBase", "GyreAPI", "GyreHTML", "GyreHTTP"]),
        layer(
            "Surfaces", "CLI",
            [
                "GyreBase", "GyreAPI", "GyreDVC", "GyreObjectStores", "GyreYAML", arguments, httpClient, nioCore,
                nioHTTP1, nioSSL,
            ]),

        // Adapters
        adapter(
            "SQLite",
            [
                "GyreAccess", "GyreFeatures", "GyreLedger", "GyrePipelines", "GyreSearch", "GyreTracing",
                "GyreDVC", "GyreTracking", "GyreVersioning",
                crypto, grdb, sqlite,
            ]),
        adapter("OpenID", ["GyreIdentity", httpClient, jwtKit, nioCore]),
        adapter("Outbound", ["GyreNotification", httpClient, nioCore, nioHTTP1, nioPosix]),
        adapter("Anchors", ["GyreLedger", httpClient, nioCore, subprocess, systemPackage]),
        adapter("Blobs", ["GyreLedger", nioPosix]),
        adapter("NativeLibraries", []),
        adapter("Predictions", ["GyreMonitoring", "GyreTables", nioPosix]),
        adapter(
            "Compute",
            ["GyreTables", "GyreNativeLibraries", "CAllocator", "CDuckDB", nioPosix, subprocess, systemPackage]),
        adapter(
            "Execution",
            ["GyrePipelines", "GyreRay", "GyreServing", subprocess, systemPackage]),
        adapter(
            "Inference",
            [
                "GyreServing", "GyreNativeLibraries", "GyreRay", "GyreYAML", "CBoostedTrees", "COnnxRuntime", "CWorker",
                httpClient, nioCore, nioHTTP1,
            ]),

        // App
        .executableTarget(
            name: "gyre",
            dependencies: [
                "GyreAccess", "GyreAnchors", "GyreAPI", "GyreBase", "GyreLedger", "GyreTables", "GyreHTTP", "GyreCLI",
                "GyreConsole", "GyreDelivery",
                "GyreLoop",
                "GyreUpkeep",
                "GyreApprovals", "GyreDVC", "GyreFeatures", "GyreGate", "GyreIdentity", "GyreOpenID", crypto,
                "GyreMonitoring", "GyrePipelines",
                "GyreQuality", "GyreRegistry", "GyreReleases", "GyreRollout", "GyreServing", "GyreTracking",
                "GyreVault", "GyreVersioning", "GyreGX", "GyreOTLP", "GyreTracing", "GyreEvaluation",
                "GyreNotification",
                "GyreOutbound",
                "GyreArgo", "GyreDataRemotes", "GyreKFP", "GyreMetaflow", "GyreMLflow", "GyreNative", "GyreOIP",
                "GyreBlobs",
                "GyreCompute",
                "GyreExecution",
                "GyreServices", "GyreInference", "GyreSeldon", "GyreGRPC", "GyreKServe", "GyreScoring", "GyreTFServing",
                "GyreNativeLibraries", "GyrePredictions", "GyreSQLite", arguments, serviceLifecycle,
            ], path: "Sources/App", swiftSettings: houseStyle),

        // Tests
        .target(
            name: "GyreTestSupport", dependencies: ["GyreBase", "GyreLedger", "GyreMonitoring"], path: "Tests/Support",
            swiftSettings: houseStyle),
        tests("TidyTests", []),
        tests("BaseTests", ["GyreAccess", "GyreLedger", "GyreSearch", "GyreTables"]),
        tests(
            "StoreContractTests",
            [
                "GyreBlobs", "GyreCompute", "GyreFeatures", "GyreLedger", "GyreMonitoring", "GyrePredictions",
                "GyreSQLite", "GyreSearch", "GyreTables", "GyreTracing", "GyreTracking", "GyreVersioning", grdb,
            ]),
        tests(
            "AreaTests",
            [
                "GyreAccess", "GyreApprovals", "GyreBlobs", "GyreCompute", "GyreDelivery", "GyreEvaluation",
                "GyreFeatures", "GyreIdentity", "GyreKFP", "GyreLedger",
                "GyreMonitoring", "GyreNativeLibraries", "GyreNotification", "GyrePipelines", "GyrePredictions",
                "GyreQuality", "GyreRegistry", "GyreReleases", "GyreRollout", "GyreSQLite", "GyreSearch",
                "GyreServing", "GyreTables", "GyreTracing", "GyreTracking", "GyreVault", "GyreVersioning",
            ]),
        tests(
            "LoopTests",
            [
                "GyreBlobs", "GyreCompute", "GyreDelivery", "GyreFeatures", "GyreKFP", "GyreLedger", "GyreLoop",
                "GyreMonitoring", "GyreNotification", "GyrePipelines", "GyrePredictions", "GyreQuality",
                "GyreRegistry", "GyreReleases", "GyreRollout", "GyreSQLite", "GyreSearch", "GyreServing",
                "GyreTables", "GyreTracing", "GyreTracking", "GyreUpkeep", "GyreVersioning", grdb,
            ]),
        tests(
            "DialectTests",
            [
                "GyreAccess", "GyreAPI", "GyreArgo", "GyreBlobs", "GyreCLI", "GyreCompute", "GyreConsole",
                "GyreDelivery",
                "GyreEvaluation",
                "GyreGRPC", "GyreGX", "GyreHTML", "GyreHTTP", "GyreIdentity", "GyreKFP", "GyreKServe", "GyreLedger",
                "GyreMLflow",
                "GyreNative",
                "GyreNativeLibraries", "GyreNotification", "GyreOIP", "GyreOTLP", "GyreOutbound", "GyrePipelines",
                "GyrePredictions", "GyreQuality", "GyreRegistry", "GyreRollout", "GyreSQLite", "GyreScoring",
                "GyreServing", "GyreTFServing", "GyreTracing", "GyreTracking", nioCore, nioEmbedded, nioHPACK,
                nioHTTP2,
            ]),
        tests("KitTests", ["GyreDVC", "GyreYAML"]),
        tests("ClientTests", []),
        tests("CrashTests", []),

        // Generated code, and C shims
        .target(name: "ProtoInference", dependencies: [protobuf], path: "Sources/Generated/Inference"),
        .target(name: "ProtoOTLP", dependencies: [protobuf], path: "Sources/Generated/OTLP"),
        .systemLibrary(name: "CZlib", path: "Sources/Shims/CZlib", providers: [.apt(["zlib1g-dev"])]),
        shim("CDuckDB"),
        shim("CAllocator"),
        shim("CBoostedTrees"),
        shim("COnnxRuntime"),
        shim("CWorker"),
    ]
)
