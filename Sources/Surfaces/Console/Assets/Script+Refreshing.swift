// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Fetches the page anew and changes only what differs, so that focus, selection, opened parts and scrolled places stay.
    static let refreshing = """

        // What a node stands for, where that can be told: it is looked for before it is made anew, and nothing else takes its place.
        const identity = node => {
          if (node.nodeType !== 1) return "";
          if (node.id) return "#" + node.id;
          if (node.dataset.key ?? node.dataset.metric) return "=" + (node.dataset.key ?? node.dataset.metric);
          if (node.localName === "button") return "button " + node.name + " " + node.value;
          if (node.localName === "a") return "a " + node.getAttribute("href");
          if (node.localName === "tr") return "tr " + (node.cells[0]?.textContent ?? "") + " " + (node.cells[0]?.querySelector("a")?.getAttribute("href") ?? "");
          return node.localName === "input" || node.localName === "select" ? node.localName + " " + node.name + " " + (node.type === "checkbox" ? node.value : "") : "";
        };
        const isSame = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && identity(a) === identity(b);
        const morph = (old, next) => {
          if (old.isEqualNode(next)) return;
          if (old.nodeType !== 1) { old.data = next.data; return; }
          if (old.hasAttribute("data-keep")) return;
          for (const { name } of [...old.attributes])
            if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
          for (const { name, value } of [...next.attributes])
            if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
          let at = old.firstChild;
          const wanted = new Set([...next.childNodes].map(identity));
          for (const child of [...next.childNodes]) {
            let found = at;
            const name = identity(child);
            // One that has no name never pushes out one that will be asked for by its own.
            while (found && !isSame(found, child)) found = !name && identity(found) && wanted.has(identity(found)) ? null : found.nextSibling;
            if (!found) { old.insertBefore(child, at); continue; }
            while (at !== found) { const gone = at; at = at.nextSibling; gone.remove(); }
            at = at.nextSibling;
            morph(found, child);
          }
          while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
        };

        // Nobody likes a page that moves under the hand.
        let typedAt = -Infinity;
        addEventListener("input", () => { typedAt = performance.now(); }, true);
        const isBusy = () => {
          const selection = getSelection();
          return document.hidden || performance.now() - typedAt < 2000 || (selection && !selection.isCollapsed);
        };
        const tell = text => {
          let notice = document.querySelector("#notice");
          if (!text) { notice?.remove(); return; }
          if (!notice) {
            notice = element("p", { id: "notice", role: "status" });
            document.querySelector("main").before(notice);
          }
          if (notice.textContent !== text) notice.textContent = text;
        };
        let seenAt = new Date();
        const refresh = async () => {
          const main = document.querySelector("main");
          try {
            const answer = await fetch(location.href, { headers: { accept: "text/html" } });
            const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
            if (!answer.ok || !next) throw new Error(`The server answered ${answer.status}.`);
            if (isBusy()) return;
            morph(main, next);
            seenAt = new Date();
            tell("");
          } catch (error) {
            const why = error instanceof TypeError ? "The server does not answer." : error.message;
            tell(`${why} Shown is what was at ${seenAt.toLocaleTimeString()}.`);
          }
        };
        const keepFresh = () => {
          const seconds = Number(document.querySelector("main")?.dataset.refresh);
          if (!seconds) return;
          setTimeout(async () => {
            if (!isBusy()) await refresh();
            keepFresh();
          }, seconds * 1000);
        };
        addEventListener("DOMContentLoaded", () => { showCurves(); showComparison(); keepFresh(); });
        """
}
