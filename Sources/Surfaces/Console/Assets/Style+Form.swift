// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Forms: fields below their names, buttons, and the question before what cannot be taken back.
    static let formStyle = """
        .form { display: flex; flex-wrap: wrap; align-items: flex-end; gap: .6rem .75rem; margin: 0 0 1rem }
        .form label { display: flex; flex-direction: column; gap: .15rem; max-width: min(22rem, 100%); min-width: 0; font-size: .88rem; color: var(--dim) }
        .form label.check { flex-direction: row; align-items: center; gap: .45rem; padding: .35rem 0; color: var(--ink) }
        input, select, button, .button { font: inherit; font-size: .95rem; line-height: 1.4; padding: .34rem .65rem; border: 1px solid var(--edge);
          border-radius: var(--radius); background: var(--card); color: var(--ink); max-width: 100%; min-width: 0; accent-color: var(--accent) }
        .form input:not([type]) { width: 22rem } .form input[type="number"] { width: 7rem } .form select { width: 100% }
        input[type="range"] { width: 14rem; padding: 0; border: 0 } input[type="checkbox"] { width: 1rem; height: 1rem; margin: 0 }
        ::placeholder { color: var(--dim); opacity: 1 }
        button, .button { cursor: pointer; font-weight: 550; padding: .34rem .85rem } button:hover, .button:hover { background: var(--hover) }
        .search button:first-of-type, .selection .actions button { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
        .search button:first-of-type:hover, .selection .actions button:hover { filter: brightness(1.08) }
        .command { padding: .75rem .9rem; background: var(--card); border: 1px solid var(--rule); border-radius: var(--radius) }
        .confirm { max-width: 100% } .confirm[open] { flex-basis: 100% } .confirm > div { width: fit-content; max-width: 100% } summary.button { display: inline-block; list-style: none } summary.button::-webkit-details-marker { display: none }
        summary.button::after { content: "…" / "" }
        .confirm > div { margin-top: .5rem; padding: .55rem .75rem; border-left: 3px solid var(--busy); background: var(--busy-ground); border-radius: 3px }
        .confirm p { margin: 0 0 .5rem } .sure { border-color: var(--bad); color: var(--bad) }
        """
}
