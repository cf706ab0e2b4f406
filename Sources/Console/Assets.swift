// SPDX-License-Identifier: Apache-2.0

/// The console's own style and script.
enum Assets {
    static let style = """
        :root { color-scheme: light dark; --ink: light-dark(#1a2230, #e7ebf2); --dim: light-dark(#586174, #a3adbe);
          --paper: light-dark(#fbfbfd, #12161d); --card: light-dark(#ffffff, #1b212b); --rule: light-dark(#d9dee8, #323b49);
          --accent: light-dark(#1a5fb4, #82b4f5); --good: light-dark(#17683a, #79d79c); --bad: light-dark(#b3261e, #ff9d94);
          --busy: light-dark(#8a5a00, #f0c060); }
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
        .scroll { overflow: auto; max-height: 70vh; background: var(--card); border: 1px solid var(--rule); border-radius: 8px }
        table { border-collapse: collapse; width: 100% } caption { position: absolute; left: -99rem }
        th, td { text-align: left; padding: .4rem .7rem; border-bottom: 1px solid var(--rule); vertical-align: top }
        th { color: var(--dim); font-weight: 600; font-size: .85rem; position: sticky; top: 0; background: var(--card) }
        tr:last-child td { border-bottom: 0 } td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
        .badge { border-radius: 99px; padding: .05rem .6rem; border: 1px solid currentColor; font-size: .85rem; white-space: nowrap }
        .good { color: var(--good) } .bad { color: var(--bad) } .busy { color: var(--busy) } .plain, .empty { color: var(--dim) }
        .empty { background: var(--card); border: 1px dashed var(--rule); border-radius: 8px; padding: 1rem }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; background: var(--card); padding: 1rem;
          border: 1px solid var(--rule); border-radius: 8px; margin: 0 } dt { color: var(--dim) } dd { margin: 0; overflow-wrap: anywhere }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 1rem }
        .split { display: flex; gap: 2px; border-radius: 8px; overflow: hidden; margin: .4rem 0 }
        .part { padding: .4rem .8rem; white-space: nowrap; overflow: hidden; flex-basis: 0 }
        .stable { background: light-dark(#cfe3fb, #1f3f66) } .canary { background: light-dark(#ffe2a8, #5c4310) }
        .curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); gap: 1rem }
        figure { margin: 0; padding: .6rem; background: var(--card); border: 1px solid var(--rule); border-radius: 8px }
        figure svg { width: 100%; height: auto } figcaption { color: var(--dim); font-size: .85rem }
        .line { fill: none; stroke: var(--accent); stroke-width: 2 } .edge { fill: none; stroke: var(--dim) }
        .graph { display: block } .graph text { fill: var(--ink); font-size: 12px } dl + .scroll { margin-top: .8rem } .graph a { text-decoration: none }
        .node { fill: var(--paper); stroke: var(--dim) } .node.good { stroke: var(--good); stroke-width: 2 }
        .node.bad { stroke: var(--bad); stroke-width: 2 } .node.busy { stroke: var(--busy); stroke-width: 2 }
        pre { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 1rem; overflow: auto; max-height: 60vh }
        form { display: flex; gap: .5rem; flex-wrap: wrap; margin: .5rem 0 } label { display: flex; gap: .5rem; align-items: center }
        input { font: inherit; padding: .35rem .6rem; border: 1px solid var(--rule); border-radius: 6px; min-width: 22rem;
          background: var(--card); color: var(--ink) } button { font: inherit; padding: .35rem .9rem; border-radius: 6px }
        input[type="checkbox"] { min-width: 0 } input[type="range"] { min-width: 14rem; padding: 0 }
        form[action] { display: block } form.controls { display: flex; align-items: center; margin: 1rem 0 }
        form.controls input { min-width: 18rem } form.controls input[type="number"] { min-width: 0; width: 6rem } form:not([action]) input:not([type]) { min-width: 18rem }
        """
}
