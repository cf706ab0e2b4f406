// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Charts, bars, graphs and trees.
    static let pictureStyle = """
        .curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(360px, 100%), 1fr)); gap: .75rem; margin: 0 0 1rem }
        figure { margin: 0; min-width: 0; overflow: hidden; padding: .65rem .75rem; background: var(--card); border: 1px solid var(--rule); border-radius: var(--radius) }
        figure svg { display: block; width: 100%; height: auto } figcaption { color: var(--dim); font-size: .86rem; margin-top: .35rem; font-variant-numeric: tabular-nums }
        #comparison { display: grid; gap: .75rem } #comparison:not(:has(svg)) figure { display: none }
        #comparison figure { overflow-x: auto } #comparison svg { min-width: 44rem }
        .line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round } .u-legend { font-size: .8rem }
        .split { display: flex; gap: 2px; border-radius: 4px; overflow: hidden; margin: .3rem 0 .3rem; height: .8rem; background: var(--rule) }
        .part { flex-basis: 0; min-width: 3px } .shares { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; margin: 0 0 .5rem; font-size: .93rem }
        .share { min-width: 0; overflow-wrap: anywhere } .swatch { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; vertical-align: -.03em }
        .stable { background: light-dark(#5b97da, #4a84c8) } .canary { background: light-dark(#e8a11a, #d39a25) }
        .graph { display: block; margin: 0 } .graph a { text-decoration: none } .graph text { fill: var(--ink); font-size: 12px }
        .edge { fill: none; stroke: var(--edge); stroke-width: 1.25 } .node { fill: var(--paper); stroke: var(--edge) }
        .graph a:hover .node, .graph a:focus-visible .node { fill: var(--hover); stroke: var(--accent); stroke-width: 2 }
        .node.good { stroke: var(--good); fill: var(--good-ground) } .node.bad { stroke: var(--bad); fill: var(--bad-ground) }
        .node.busy { stroke: var(--busy); fill: var(--busy-ground) }
        .tree { padding: .4rem .75rem } .tree ul { list-style: none; margin: 0; padding-left: 1.1rem } .tree > ul { padding: 0 }
        .tree ul ul { border-left: 1px solid var(--rule) } .tree summary { padding: .25rem .2rem; cursor: pointer } .tree summary:hover { background: var(--hover) }
        .tree details[open] { padding-bottom: .4rem } .times { color: var(--dim); font-size: .88rem; font-variant-numeric: tabular-nums }
        .tree dl, .tree pre { background: var(--paper) }
        .lane { display: block; height: .28rem; background: var(--rule); border-radius: 2px; margin-top: .2rem; overflow: hidden }
        .lane span { display: block; height: 100%; background: var(--accent); border-radius: 2px }
        """

    /// What changes where there is little room; it comes last.
    static let narrowStyle = """
        @media (max-width: 900px) { table { width: max-content; min-width: 100% } td, th { max-width: min(28rem, 70vw) } }
        @media (max-width: 600px) { main { padding: .75rem .8rem 3rem } header ul { padding: 0 .3rem } header a { padding: .45rem .5rem .35rem }
          h1 { font-size: 1.25rem } h2 { margin-top: 1.5rem } th, td { padding: .35rem .55rem }
          .form label, .form input:not([type]), .form select { width: 100%; max-width: 100% } .form label.check { width: auto }
          dl { grid-template-columns: minmax(0, 1fr); gap: 0; padding: .6rem .75rem } dd { margin-bottom: .4rem } }
        @media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; scroll-behavior: auto !important } }
        """
}
