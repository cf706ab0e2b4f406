// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTestSupport
import Testing

@testable import GyreKFP

/// The conditions that the kfp compiler writes.
@Suite struct KFPConditionTests {
    @Test(
        "a condition means what it says",
        arguments: [
            ("inputs.parameter_values['n'] == 3", true), ("inputs.parameter_values['n'] != 3", false),
            ("inputs.parameter_values['n'] >= 3 && inputs.parameter_values['n'] <= 3", true),
            ("int(inputs.parameter_values['text']) > 11", true), ("double('1.5') < 2", true),
            ("inputs.parameter_values['flag']", true), ("!inputs.parameter_values['flag']", false),
            ("!(inputs.parameter_values['n'] > 3) || false", true),
            ("inputs.parameter_values['name'] == \"ann\"", true), ("'b' > 'a'", true),
            ("inputs.parameter_values['absent'] == inputs.parameter_values['absent too']", true),
            ("inputs.parameter_values['flag'] != inputs.parameter_values['name']", true),
            ("true && true == true", true),
            ("-1.5e1 < -14", true),
        ])
    func meaning(text: String, expected: Bool) throws {
        let parameters: [String: JSONValue] = ["n": 3, "text": "12", "flag": true, "name": "ann"]
        #expect(try Condition.evaluate(text, parameters) == expected, "\(text)")
    }

    @Test(
        "what the compiler does not write is refused, with the place",
        arguments: [
            "", "1 +", "'open", "inputs.parameter_values['a'", "(true", "1", "true true", "size(x) == 1", "int(1",
        ])
    func refused(text: String) {
        let error = #expect(throws: GyreError.self) { try Condition.evaluate(text, [:]) }
        #expect(error?.code == .unsupported && error?.why?.hasPrefix("Character ") == true)
    }

    @Test("a number and a text are equal or not, and have no order")
    func mixed() throws {
        #expect(try !Condition.evaluate("1 == 'a'", [:]))
        let error = #expect(throws: GyreError.self) { try Condition.evaluate("1 < 'a'", [:]) }
        #expect(error?.code == .invalid)
    }

    @Test("however conditions are put together, they mean what their parts mean", arguments: 1...200)
    func algebra(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let (text, expected) = Self.expression(depth: 4, &random)
        #expect(try Condition.evaluate(text, [:]) == expected, "seed \(seed): \(text)")
    }

    private static func expression(depth: Int, _ random: inout SplitMix) -> (String, Bool) {
        switch depth == 0 ? 0 : Int.random(in: 0...3, using: &random) {
        case 1:
            let (left, right) = (expression(depth: depth - 1, &random), expression(depth: depth - 1, &random))
            return ("(\(left.0)) && (\(right.0))", left.1 && right.1)
        case 2:
            let (left, right) = (expression(depth: depth - 1, &random), expression(depth: depth - 1, &random))
            return ("(\(left.0)) || (\(right.0))", left.1 || right.1)
        case 3:
            let inner = expression(depth: depth - 1, &random)
            return ("!(\(inner.0))", !inner.1)
        default:
            let (left, right) = (Int.random(in: -3...3, using: &random), Int.random(in: -3...3, using: &random))
            let symbols: [(String, Bool)] = [
                ("<", left < right), ("<=", left <= right), ("==", left == right), ("!=", left != right),
                (">", left > right), (">=", left >= right),
            ]
            let (symbol, holds) = symbols[Int.random(in: 0..<6, using: &random)]
            return ("\(left) \(symbol) \(right)", holds)
        }
    }
}
