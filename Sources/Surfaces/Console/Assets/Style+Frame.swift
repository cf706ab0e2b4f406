// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Colours, and the frame of a page: navigation, main, headings, sections.
    static let frameStyle = """
        :root { color-scheme: light dark; --ink: light-dark(#1a2230, #e3e8ef); --dim: light-dark(#545d6e, #a3adbe);
          --paper: light-dark(#f6f7f9, #11151b); --card: light-dark(#ffffff, #191f28); --hover: light-dark(#f0f3f8, #212934);
          --rule: light-dark(#dde2ea, #2c3542); --edge: light-dark(#8b95a5, #69768a);
          --accent: light-dark(#1a5fb4, #82b4f5); --on-accent: light-dark(#ffffff, #11151b);
          --good: light-dark(#17683a, #79d79c); --bad: light-dark(#b3261e, #ff9d94); --busy: light-dark(#7f5200, #f0c060);
          --good-ground: light-dark(#e9f5ee, #15291d); --bad-ground: light-dark(#fdeeec, #321c1a); --busy-ground: light-dark(#fdf4e0, #2d2412);
          --radius: 6px; --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
        * { box-sizing: border-box }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 14px/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif;
          -webkit-text-size-adjust: 100% }
        a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 2px; text-decoration-color: color-mix(in srgb, currentColor 45%, transparent) }
        a:hover { text-decoration-color: currentColor }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px }
        main:focus { outline: none }
        h1, h2, h3, p, caption, figcaption, li, summary { overflow-wrap: anywhere }
        h1 { font-size: 1.45rem; line-height: 1.25; font-weight: 650; margin: .25rem 0 1rem; unicode-bidi: plaintext; text-align: left }
        h2 { font-size: 1.05rem; font-weight: 650; margin: 2rem 0 .6rem } h3 { font-size: .93rem; font-weight: 600; margin: .9rem 0 .35rem }
        p { margin: .6rem 0 } section > p:first-of-type { margin-top: 0 }
        header { background: var(--card); border-bottom: 1px solid var(--rule) }
        header ul { display: flex; flex-wrap: wrap; gap: 0 .25rem; list-style: none; margin: 0 auto; padding: 0 1.25rem; max-width: 1240px }
        header a { display: block; padding: .65rem .7rem .55rem; color: var(--dim); text-decoration: none; border-bottom: 2px solid transparent }
        header a:hover { color: var(--ink); background: var(--hover) }
        header a[aria-current] { color: var(--ink); font-weight: 600; border-bottom-color: var(--accent) }
        header a:focus-visible { outline-offset: -3px }
        main { max-width: 1240px; margin: 0 auto; padding: 1rem 1.25rem 4rem }
        .skip { position: absolute; left: -99rem } .skip:focus { left: 1rem; top: .5rem; z-index: 2; background: var(--card); padding: .5rem }
        #notice { margin: 0; padding: .5rem 1.25rem; background: var(--busy-ground); border-bottom: 1px solid var(--rule) }
        .trail ol { display: flex; flex-wrap: wrap; list-style: none; margin: 0; padding: 0; font-size: .88rem; color: var(--dim) }
        .trail li { min-width: 0; overflow-wrap: anywhere } .trail li + li::before { content: "/" / ""; margin: 0 .45rem; color: var(--dim) }
        .tabs { margin: 0 0 1rem; border-bottom: 1px solid var(--rule) }
        .tabs ul { display: flex; flex-wrap: wrap; gap: 0 .25rem; list-style: none; margin: 0; padding: 0 }
        .tabs a { display: block; padding: .45rem .7rem; margin-bottom: -1px; color: var(--dim); text-decoration: none; border-bottom: 2px solid transparent }
        .tabs a:hover { color: var(--ink) } .tabs a[aria-current] { color: var(--ink); font-weight: 600; border-bottom-color: var(--accent) }
        .panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr)); gap: .75rem }
        .panel { min-width: 0; background: var(--card); border: 1px solid var(--rule); border-radius: var(--radius); padding: .7rem .9rem .4rem }
        .panel h3 { margin: 0 0 .5rem }
        """
}
