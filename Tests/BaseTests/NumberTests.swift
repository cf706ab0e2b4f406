// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTestSupport
import Testing

@Suite struct NumberTests {
    @Test(
        "a number is shown with four significant digits, however small it is",
        arguments: [
            (3e-7, "3e-7"), (5e-5, "5e-5"), (0.00012345, "0.0001235"), (1.0 / 3, "0.3333"), (-0.123456, "-0.1235"),
            (0.1 + 0.2, "0.3"), (9.99999, "10"), (0.000099999, "0.0001"), (5e-324, "5e-324"), (2.5, "2.5"),
            (123.456, "123.5"), (1.7976931348623157e308, "1.798e308"), (-1.23456e-9, "-1.235e-9"), (0.02, "0.02"),
        ])
    func four(value: Double, shown: String) { #expect(Number.readable(value) == shown) }

    @Test(
        "whole numbers and whole parts are not cut",
        arguments: [
            (0.0, "0"), (-0.0, "0"), (7, "7"), (-123_456, "-123456"), (12345.6, "12346"), (999_999_999.9, "1000000000"),
            (9999.5, "10000"), (1e14, "100000000000000"), (1e15, "1e15"), (1.23456e22, "1.235e22"),
        ])
    func whole(value: Double, shown: String) { #expect(Number.readable(value) == shown) }

    @Test("what is no number is said so")
    func none() {
        #expect(Number.readable(.nan) == "NaN")
        #expect(Number.readable(.infinity) == "Infinity")
        #expect(Number.readable(-.infinity) == "-Infinity")
    }

    @Test("the full value is the number again, and what is shown is near it")
    func property() {
        var random = SplitMix(seed: 12)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            #expect(Double(Number.full(value)) == value)
            let shown = Double(Number.readable(value)) ?? .nan
            #expect(
                abs(shown - value) <= abs(value) * 5.0001e-4 || abs(value) < 1e-300, "\(value) is shown as \(shown)")
        }
    }
}
