// SPDX-License-Identifier: Apache-2.0

/// The console's own style and script.
enum Assets {
    static let style = """
        :root { color-scheme: light dark; --ink: light-dark(#1a2230, #e7ebf2); --dim: light-dark(#586174, #a3adbe);
          --paper: light-dark(#fbfbfd, #12161d); --card: light-dark(#ffffff, #1b212b); --rule: light-dark(#d9dee8, #323b49);
          --accent: light-dark(#1a5fb4, #82b4f5); --good: light-dark(#17683a, #79d79c); --bad: light-dark(#b3261e, #ff9d94);
          --busy: light-dark(#8a5a00, #f0c060);
          --canary: light-dark(#ffe2a8, #5c4310) }
        * { box-sizing: border-box }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
        header { background: var(--card); border-bottom: 1px solid var(--rule) }
        nav ul { display: flex; flex-wrap: wrap; gap: .25rem; list-style: none; margin: 0 auto; padding: .5rem 1.5rem; max-width: 1180px }
        nav a { display: block; padding: .35rem .7rem; border-radius: 6px; color: var(--ink); text-decoration: none }
        nav a[aria-current] { background: var(--accent); color: var(--paper) }
        main { max-width: 1180px; margin: 0 auto; padding: 1rem 1.5rem 4rem }
        h1 { font-size: 1.5rem; margin: .6rem 0 } h2 { font-size: 1.1rem; margin: 1.6rem 0 .5rem }
        a { color: var(--accent) } a:focus-visible, .scroll:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
        .skip { position: absolute; left: -99rem } .skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem }
        h1, h2, h3, p, caption, figcaption, li { overflow-wrap: anywhere }
        #notice { margin: 0; padding: .5rem 1.5rem; background: var(--canary); border-bottom: 1px solid var(--rule) }
        .note { color: var(--dim) } h3 { font-size: .95rem; margin: .8rem 0 .3rem }
        .scroll { overflow: auto; max-height: 70vh; background: var(--card); border: 1px solid var(--rule); border-radius: 8px }
        table { border-collapse: collapse; width: 100% } caption { position: absolute; left: -99rem }
        th, td { text-align: left; padding: .4rem .7rem; border-bottom: 1px solid var(--rule); vertical-align: top }
        th { color: var(--dim); font-weight: 600; font-size: .85rem; position: sticky; top: 0; background: var(--card) }
        tr:last-child td { border-bottom: 0 } td { overflow-wrap: break-word; max-width: 28rem; min-width: 3rem; font-variant-numeric: tabular-nums }
        .badge { border-radius: 99px; padding: .05rem .6rem; border: 1px solid currentColor; font-size: .85rem; white-space: nowrap }
        .good { color: var(--good) } .bad { color: var(--bad) } .busy { color: var(--busy) } .plain, .empty { color: var(--dim) }
        .empty { background: var(--card); border: 1px dashed var(--rule); border-radius: 8px; padding: 1rem }
        dl { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr); gap: .25rem 1rem; background: var(--card); padding: 1rem;
          border: 1px solid var(--rule); border-radius: 8px; margin: 0 } dt { color: var(--dim); overflow-wrap: anywhere } dd { margin: 0; overflow-wrap: anywhere }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 1rem }
        .split { display: flex; gap: 2px; border-radius: 8px; overflow: hidden; margin: .4rem 0 .2rem; height: 1.1rem }
        .part { flex-basis: 0; min-width: 2px } .shares { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 0 0 .4rem }
        .swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px }
        .stable { background: light-dark(#7fb2ee, #3d73b3) } .canary { background: light-dark(#f0a81c, #c98a12) }
        .curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); gap: 1rem }
        .tree { padding: .4rem .6rem } .tree ul { list-style: none; margin: 0; padding-left: 1.1rem } .tree > ul { padding: 0 }
        .tree summary { padding: .2rem 0; cursor: pointer } .tree details[open] { padding-bottom: .6rem }
        .lane { display: block; height: .3rem; background: var(--rule); border-radius: 3px; margin-top: .15rem; overflow: hidden }
        .lane span { display: block; height: 100%; background: var(--accent); border-radius: 3px }
        figure { margin: 0; min-width: 0; overflow: hidden; padding: .6rem; background: var(--card); border: 1px solid var(--rule); border-radius: 8px }
        figure svg { width: 100%; height: auto } figcaption { color: var(--dim); font-size: .85rem }
        .line { fill: none; stroke: var(--accent); stroke-width: 2 } .edge { fill: none; stroke: var(--dim) }
        .graph { display: block } .graph text { fill: var(--ink); font-size: 12px } dl + .scroll { margin-top: .8rem } .graph a { text-decoration: none }
        .node { fill: var(--paper); stroke: var(--dim) } .node.good { stroke: var(--good); stroke-width: 2 }
        .node.bad { stroke: var(--bad); stroke-width: 2 } .node.busy { stroke: var(--busy); stroke-width: 2 }
        .u-legend { font-size: .8rem } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 1rem; overflow: auto; max-height: 60vh }
        form { display: flex; gap: .5rem; flex-wrap: wrap; align-items: end; margin: .5rem 0 } label { display: flex; gap: .5rem; align-items: center; max-width: 100% }
        input { font: inherit; padding: .35rem .6rem; border: 1px solid var(--rule); border-radius: 6px; min-width: 22rem;
          max-width: 100%; background: var(--card); color: var(--ink) } select { font: inherit; padding: .35rem .6rem; max-width: 100%; min-width: 0 } button { font: inherit; padding: .35rem .9rem; border-radius: 6px }
        input[type="checkbox"] { min-width: 0 } input[type="range"] { min-width: 14rem; padding: 0 }
        form[action] { display: block } form.controls { display: flex; align-items: center; margin: 1rem 0 }
        form.controls input { min-width: 18rem } form.controls input[type="number"] { min-width: 0; width: 6rem } form:not([action]) input:not([type]) { min-width: 18rem }
        @media (max-width: 900px) { table { width: max-content; min-width: 100% } td, th { max-width: min(28rem, 70vw) } }
        @media (max-width: 600px) { label { flex-wrap: wrap } input, form.controls input, form:not([action]) input:not([type]) { min-width: 0 }
          main { padding: .6rem .8rem 3rem } nav ul { padding: .4rem .6rem } nav a { padding: .3rem .5rem }
          dl { grid-template-columns: minmax(0, 1fr); gap: 0; padding: .7rem } dd { margin-bottom: .4rem } th, td { padding: .35rem .5rem } }
        """
}
