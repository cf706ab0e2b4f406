// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// Texts as C takes them: a list of pointers that ends with a null, for the time of a call.
enum CTexts {
    /// What a process that runs models gets of the server's environment.
    static let environment = ChildEnvironment.kept(of: ProcessInfo.processInfo.environment).map {
        "\($0.key)=\($0.value)"
    }
    .sorted()

    static func with<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            unsafe body(buffer.baseAddress)
        }
    }
}
