// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Facts, badges, notes, empty states, code and logs.
    static let textStyle = """
        dl { display: grid; grid-template-columns: fit-content(32%) minmax(0, 1fr); gap: .3rem 1.5rem; margin: 0 0 1rem; padding: .75rem .9rem;
          background: var(--card); border: 1px solid var(--rule); border-radius: var(--radius) }
        dt { color: var(--dim); overflow-wrap: anywhere } dd { margin: 0; overflow-wrap: anywhere; unicode-bidi: plaintext; text-align: left }
        .badge { display: inline-block; font-size: .85rem; line-height: 1.35; padding: 0 .5rem; border-radius: 99px; white-space: nowrap; max-width: 100%;
          overflow: hidden; text-overflow: ellipsis; vertical-align: bottom; border: 1px solid var(--rule); background: var(--card) }
        .badge::before { font-size: .75em; margin-right: .35em }
        .badge.good { color: var(--good); background: var(--good-ground); border-color: transparent } .badge.good::before { content: "●" / "" }
        .badge.busy { color: var(--busy); background: var(--busy-ground); border-color: transparent } .badge.busy::before { content: "◐" / "" }
        .badge.bad { color: var(--bad); background: var(--bad-ground); border-color: transparent } .badge.bad::before { content: "✕" / "" }
        .badge.plain { color: var(--dim) } .badge:empty { display: none }
        .note { color: var(--dim); margin: .5rem 0 }
        .alert { color: var(--ink); padding: .55rem .9rem; border-left: 3px solid; border-radius: 3px }
        .alert.good { border-color: var(--good); background: var(--good-ground) } .alert.busy { border-color: var(--busy); background: var(--busy-ground) }
        .alert.bad { border-color: var(--bad); background: var(--bad-ground) }
        .empty { color: var(--dim); border: 1px dashed var(--edge); border-radius: var(--radius); padding: .9rem; margin: 0 0 1rem }
        .links { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .6rem 0 }
        .live { display: inline-block; padding: .3rem .8rem; border-radius: 99px; color: var(--busy); background: var(--busy-ground); margin: 0 }
        code { font: .92em/1.4 var(--mono); background: var(--hover); color: var(--ink); border-radius: 3px; padding: .1em .35em; overflow-wrap: anywhere }
        pre { font: .86rem/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 .75rem; padding: .75rem .9rem; overflow: auto;
          max-height: 60vh; background: var(--card); border: 1px solid var(--rule); border-radius: var(--radius); unicode-bidi: plaintext }
        .log { max-height: 75vh; border-left: 3px solid var(--edge) }
        ul { padding-left: 1.3rem }
        """
}
