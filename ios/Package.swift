// swift-tools-version: 6.0

import PackageDescription

/// The folder with the core's library for this machine, as `cargo xtask swift-test` sets it. Without it the core is
/// the XCFramework that devices run.
let hostLibrary = Context.environment["SOFTPOS_HOST_LIBRARY"]

/// The core's C symbols.
let symbols: Target =
    if hostLibrary == nil {
        .binaryTarget(name: "softposFFI", path: "SoftPos.xcframework")
    } else {
        .systemLibrary(name: "softposFFI", path: "Generated/softposFFI")
    }

/// Where the linker and the loader find the library of this machine.
let linking: [LinkerSetting] =
    if let hostLibrary {
        [
            .unsafeFlags(["-L", hostLibrary, "-Xlinker", "-rpath", "-Xlinker", hostLibrary]),
            .linkedLibrary("softpos"),
        ]
    } else {
        []
    }

/// In the project's own runs a warning is an error.
let strict: [SwiftSetting] = hostLibrary == nil ? [] : [.unsafeFlags(["-warnings-as-errors"])]

let package = Package(
    name: "softpos",
    platforms: [.iOS(.v18), .macOS(.v15)],
    products: [
        .library(name: "SoftPosDriver", targets: ["SoftPosDriver", "SoftPosCore"]),
        .library(name: "SoftPosSandbox", targets: ["SoftPosSandbox"]),
    ],
    targets: [
        symbols,
        .target(
            name: "SoftPosCore",
            dependencies: ["softposFFI"],
            path: "Generated/SoftPosCore",
            linkerSettings: linking
        ),
        .target(name: "SoftPosDriver", dependencies: ["SoftPosCore"], swiftSettings: strict),
        .target(name: "SoftPosSandbox", dependencies: ["SoftPosCore", "SoftPosDriver"], swiftSettings: strict),
        .executableTarget(
            name: "TillProcess",
            dependencies: ["SoftPosCore", "SoftPosDriver", "SoftPosSandbox"],
            path: "Tests/TillProcess",
            swiftSettings: strict
        ),
        .testTarget(
            name: "SoftPosDriverTests",
            dependencies: ["SoftPosCore", "SoftPosDriver", "SoftPosSandbox", "TillProcess"],
            swiftSettings: strict
        ),
    ]
)
