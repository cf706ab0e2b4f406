// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreHTML

/// Fields with names, and buttons that send them.
struct Form: Part {
    enum Field: Sendable {
        /// A line of text; `example` stands in it while it is empty.
        case text(_ label: String, name: String, value: String = "", example: String = "", isRequired: Bool = false)
        /// A line that nobody reads over a shoulder.
        case password(_ label: String, name: String)
        case number(_ label: String, name: String, value: String, least: String)
        case choice(_ label: String, name: String, options: [(value: String, title: String)], chosen: String)
        case slider(_ label: String, name: String, most: String, step: String)
        case check(_ label: String, name: String)
        /// Sent along without being shown.
        case hidden(name: String, value: String)
    }

    struct Button: Sendable {
        let title: String
        var name: String?
        var value: String?
        /// What will happen; a button that has it asks once more before it sends.
        var warning: String?

        init(_ title: String, name: String? = nil, value: String? = nil, warning: String? = nil) {
            self.title = title
            self.name = name
            self.value = value
            self.warning = warning
        }
    }

    enum Purpose: Sendable {
        /// Asks for the same page with other words in its address.
        case search
        /// Changes something at the address.
        case command(address: String)
        /// Is read by the page's script alone.
        case settings(id: String)
    }

    let purpose: Purpose
    /// What keeps it as it is while the page around it is fetched anew.
    let id: String?
    let fields: [Field]
    let buttons: [Button]

    init(_ purpose: Purpose, id: String? = nil, fields: [Field], buttons: [Button] = []) {
        self.purpose = purpose
        self.id = id
        self.fields = fields
        self.buttons = buttons
    }

    var html: HTML {
        var attributes: [(String, String)] =
            switch purpose {
            case .search: [("role", "search"), ("class", "form search")]
            case .command(let address): [("method", "post"), ("class", "form command"), ("action", address)]
            case .settings(let id): [("class", "form settings"), ("id", id)]
            }
        if let id { attributes.append(("id", id)) }
        var fields = fields
        if case .command = purpose, let token = Caller.current?.formToken {
            fields.append(.hidden(name: "form_token", value: token))
        }
        return .element("form", attributes, fields.map(\.html) + buttons.map(\.html))
    }
}

extension Form.Field {
    var html: HTML {
        switch self {
        case .text(let label, let name, let value, let example, let isRequired):
            labelled(
                label,
                .void(
                    "input",
                    [("name", name), ("value", value), ("maxlength", isRequired ? "500" : "10000")]
                        + (example.isEmpty ? [] : [("placeholder", example)]) + (isRequired ? [("required", "")] : [])))
        case .password(let label, let name):
            labelled(
                label,
                .void(
                    "input",
                    [("name", name), ("type", "password"), ("autocomplete", "current-password"), ("maxlength", "1024")])
            )
        case .number(let label, let name, let value, let least):
            labelled(
                label,
                .void("input", [("name", name), ("type", "number"), ("min", least), ("step", "any"), ("value", value)]))
        case .choice(let label, let name, let options, let chosen):
            labelled(
                label,
                .element(
                    "select", [("name", name)],
                    options.map { value, title in
                        .element(
                            "option", [("value", value), value == chosen ? ("selected", "") : ("", "")],
                            HTML(title.count > 80 ? title.prefix(79) + "…" : title))
                    }))
        case .slider(let label, let name, let most, let step):
            labelled(
                label,
                .void(
                    "input",
                    [("type", "range"), ("name", name), ("min", "0"), ("max", most), ("step", step), ("value", "0")]))
        case .check(let label, let name):
            .element(
                "label", [("class", "check")], .void("input", [("type", "checkbox"), ("name", name)]),
                .element("span", [], HTML(label)))
        case .hidden(let name, let value): .void("input", [("type", "hidden"), ("name", name), ("value", value)])
        }
    }

    private func labelled(_ label: String, _ control: HTML) -> HTML {
        .element("label", [], .element("span", [], HTML(label)), control)
    }
}

extension Form.Button {
    var html: HTML {
        let attributes = [("name", name), ("value", value)].compactMap { pair in pair.1.map { (pair.0, $0) } }
        guard let warning else { return .element("button", attributes, HTML(title)) }
        return .element(
            "details", [("class", "confirm"), ("data-key", "confirm \(value ?? title)")],
            .element("summary", [("class", "button")], HTML(title)),
            .element(
                "div", [], .element("p", [], HTML(warning)),
                .element(
                    "button", attributes + [("class", "sure")],
                    HTML("Yes, \(title.prefix(1).lowercased())\(title.dropFirst())"))))
    }
}

/// Rows of a table to choose from, and a button that goes on with those that were chosen.
struct Selection: Part {
    /// Where the chosen go: `?id=A&id=B`.
    let address: String
    let button: String
    let table: Table
    /// What leads on without choosing.
    let links: Links

    var html: HTML {
        .element(
            "form", [("class", "selection"), ("action", address)],
            table.rows.isEmpty
                ? [table.html]
                : [
                    .element("div", [("class", "actions")], .element("button", [], HTML(button)), links.html),
                    table.html,
                ])
    }
}
