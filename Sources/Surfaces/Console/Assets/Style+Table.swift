// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Tables, what sorts them and what turns their pages.
    static let tableStyle = """
        .scroll { overflow: auto; max-height: 80vh; margin: 0 0 .75rem; background: var(--card); border: 1px solid var(--rule); border-radius: var(--radius) }
        table { border-collapse: separate; border-spacing: 0; width: 100% } caption { position: absolute; left: -99rem }
        th, td { text-align: left; padding: .38rem .75rem; border-bottom: 1px solid var(--rule); vertical-align: top }
        th { position: sticky; top: 0; z-index: 1; background: var(--card); color: var(--dim); font-weight: 600; font-size: .86rem; white-space: nowrap }
        td { overflow-wrap: break-word; max-width: 28rem; min-width: 3rem; font-variant-numeric: tabular-nums; unicode-bidi: plaintext }
        tr:last-child td { border-bottom: 0 } tbody tr:hover td { background: var(--hover) }
        th.number, td.number { text-align: right } td.number { white-space: nowrap }
        th a { color: inherit } .sort { text-decoration: none } .sort:hover { color: var(--ink); text-decoration: underline }
        .sort::after { content: "↕" / ""; opacity: 0; margin-left: .3em } th:hover .sort::after, .sort:focus-visible::after { opacity: .6 }
        [aria-sort] .sort { color: var(--ink) } [aria-sort="ascending"] .sort::after { content: "↑" / ""; opacity: 1 }
        [aria-sort="descending"] .sort::after { content: "↓" / ""; opacity: 1 }
        .pager { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1rem; margin: .25rem 0 1rem; color: var(--dim) }
        .selection .actions { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; margin: 0 0 .6rem }
        .selection .links { margin: 0 } .choice { display: flex; justify-content: center; padding: .15rem; width: 2rem } td:has(.choice) { width: 1% }
        time { white-space: nowrap }
        """
}
