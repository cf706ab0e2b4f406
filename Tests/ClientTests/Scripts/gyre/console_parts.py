# SPDX-License-Identifier: Apache-2.0
"""Every part of the console in each of its states, looked at in a real browser: light, dark and narrow. Pictures go to .gyre/screenshots."""
import os
import sys

from browser import Browser
from server import Server

server = Server(sys.argv[1], sys.argv[2]).start()
shots = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../.gyre/screenshots")
os.makedirs(shots, exist_ok=True)

# Texts whose contrast to what is behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3), as the browser paints them.
CONTRAST = """(() => {
  const canvas = document.createElement("canvas"); canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const parse = colour => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); const d = pen.getImageData(0, 0, 1, 1).data;
    return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = node => { const layers = [];
    for (let n = node; n; n = n.parentElement) {
      const box = n.localName === "text" ? n.parentElement.querySelector("rect") : null;
      if (box) layers.push(parse(getComputedStyle(box).fill));
      const c = parse(getComputedStyle(n).backgroundColor); layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((below, top) => over(top, below), parse(getComputedStyle(document.documentElement).colorScheme && getComputedStyle(document.body).backgroundColor)); };
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode, node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || node.closest("title,script,style,option")) continue;
    const style = getComputedStyle(node), below = ground(node), ink = over(parse(node.localName === "text" ? style.fill : style.color), below);
    const [a, b] = [light(ink), light(below)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    count += 1;
    if (ratio < 4.5) found.push([text.data.trim().slice(0, 40), node.localName + "." + node.className, ratio.toFixed(2)]);
  }
  return { count, found };
})()"""
# What can be pressed, typed into or followed, and has no name.
NAMELESS = """[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [role=region], nav, svg[role]")].filter(n => {
  const label = n.closest("label"), name = n.getAttribute("aria-label") || n.labels?.[0]?.textContent || label?.textContent || n.textContent;
  return !name.trim(); }).map(n => n.outerHTML.slice(0, 200))"""
WIDE = """[...document.querySelectorAll("body *")].filter(n => !n.closest(".scroll > *, .skip, caption") && n.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(n => n.outerHTML.slice(0, 160)).slice(0, 5)"""

places = ["/console/parts", "/console/parts?sort=-name&page=3", "/", "/runs", "/endpoints", "/lineage", "/nowhere"]
for name, width, options in [
    ("light", 1400, []), ("narrow", 420, []), ("dark", 1400, ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]),
    ("narrow-dark", 420, ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]),
]:
    browser = Browser(f"{sys.argv[2]}/chromium-{name}", *options)
    for path in places:
        tab = browser.open(server.url + path, width).wait()
        if "parts" in path:
            tab.ask("document.querySelectorAll('details').forEach(d => { d.open = true })")
        if path == "/console/parts":
            dark = tab.ask("matchMedia('(prefers-color-scheme: dark)').matches")
            assert dark == name.endswith("dark"), (name, dark)
            tab.picture(f"{shots}/parts-{name}.png", whole=True)
        told = tab.ask("({ text: document.querySelector('main').textContent.length, scripts: document.querySelectorAll('main script').length })")
        assert told["text"] > 40 and told["scripts"] == 0, (name, path, told)
        assert not tab.errors or path == "/nowhere" or "parts" in path and all("/history" in e for e in tab.errors), (name, path, tab.errors)
        contrast = tab.ask(CONTRAST)
        assert contrast["count"] > 5 and not contrast["found"], (name, path, contrast)
        assert not tab.ask(NAMELESS), (name, path, tab.ask(NAMELESS))
        assert tab.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (name, path, tab.ask(WIDE))
        tab.close()
    browser.close()

# By keys alone: the first stop leads to the content, the heads of a table sort it.
browser = Browser(f"{sys.argv[2]}/chromium-keys", "--blink-settings=scriptEnabled=true")
tab = browser.open(server.url + "/console/parts", 1400).wait()
key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
browser.call("Input.dispatchKeyEvent", tab.session, type="keyDown", **key)
assert tab.ask("document.activeElement.className") == "skip"
tab.ask("document.querySelector('th[aria-sort] a').focus()")
assert tab.ask("getComputedStyle(document.querySelector('th[aria-sort] a')).outlineStyle") in ("solid", "none")
assert tab.ask("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "descending"
enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
browser.call("Input.dispatchKeyEvent", tab.session, type="keyDown", **enter)
tab.until("location.search === '?sort=value' && document.querySelector('th[aria-sort]')?.getAttribute('aria-sort') === 'ascending'", 60)
browser.close()
server.stop()
print("console parts: all done")
