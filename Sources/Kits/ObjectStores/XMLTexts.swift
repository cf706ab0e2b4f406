// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import FoundationXML

/// The texts of the elements of an XML document, by the elements' names.
final class XMLTexts: NSObject, XMLParserDelegate {
    private var texts: [String: [String]] = [:]
    private var current = ""

    /// Reads a document; of one that is damaged, what stands before the damage.
    init(_ bytes: [UInt8]) {
        super.init()
        let parser = XMLParser(data: Data(bytes))
        parser.shouldResolveExternalEntities = false
        parser.delegate = self
        _ = parser.parse()
    }

    /// The texts of all elements of a name, in order.
    func all(_ name: String) -> [String] { texts[name] ?? [] }

    /// The text of the first element of a name.
    func first(_ name: String) -> String? { texts[name]?.first }

    func parser(
        _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) { current = "" }

    func parser(_ parser: XMLParser, foundCharacters text: String) { current += text }

    func parser(
        _ parser: XMLParser, didEndElement element: String, namespaceURI: String?, qualifiedName: String?
    ) {
        texts[element, default: []].append(current)
        current = ""
    }
}
