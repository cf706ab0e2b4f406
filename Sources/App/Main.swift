// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreHTTP

@main
struct Main {
    static func main() async {
        do {
            let arguments = CommandLine.arguments
            let home = try HomeFolder(arguments[1])
            let assembly = try await Assembly.make(home: home)
            let server = HTTPServer(router: assembly.router, address: try HTTPServer.Address(arguments[2])) { address in
                print("listening on \(address)")
            }
            try await server.run()
        } catch { print(error) }
    }
}
