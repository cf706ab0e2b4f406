// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Pictures of many runs at once.
    static let comparison = """

        // Many runs at once: params against a metric.
        const scale = (values, low, high) => {
          const numbers = values.filter(v => v !== null);
          const isNumeric = numbers.length > 0 && numbers.every(v => v !== "" && !Number.isNaN(Number(v)));
          const words = [...new Set(numbers.map(String))].sort();
          const position = v => isNumeric ? Number(v) : words.indexOf(String(v));
          const places = numbers.map(position), min = Math.min(...places), max = Math.max(...places);
          return { at: v => v === null ? null : low + (max > min ? (position(v) - min) / (max - min) : 0.5) * (high - low),
            ends: isNumeric ? labels([min, max]) : [words[0] ?? "", words.at(-1) ?? ""] };
        };
        const cut = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;
        const colour = share => `hsl(${Math.round(220 - 200 * share)} 75% 50%)`;
        const drawScatter = (place, table, x, y) => {
          const [width, height] = [1100, 340], xs = scale(table[x] ?? [], 60, width - 20), ys = scale(table[y] ?? [], height - 40, 20);
          const svg = element("svg:svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${y} against ${x}` });
          table.names.forEach((name, i) => {
            const [cx, cy] = [xs.at((table[x] ?? [])[i] ?? null), ys.at((table[y] ?? [])[i] ?? null)];
            if (cx === null || cy === null) return;
            const link = element("svg:a", { href: `/runs/${table.ids[i]}` },
              element("svg:circle", { cx, cy, r: 5, fill: "#3584e4", "fill-opacity": 0.6 }));
            link.firstChild.append(element("svg:title", {}, `${name}: ${table[x][i]}, ${table[y][i]}`));
            svg.append(link);
          });
          for (const [text, left, top, anchor] of [[x, width / 2, height - 6, "middle"], [xs.ends[0], 60, height - 22, "start"],
            [xs.ends[1], width - 20, height - 22, "end"], [ys.ends[1], 54, 24, "end"], [ys.ends[0], 54, height - 40, "end"], [y, 6, 12, "start"]])
            svg.append(element("svg:text", { x: left, y: top, "text-anchor": anchor, "font-size": 12, fill: "currentColor" }, cut(text, 60), element("svg:title", {}, text)));
          place.replaceChildren(svg);
        };
        const drawParallel = (place, table, columns, metric) => {
          const [width, height] = [1100, 360], used = [...columns, metric].filter(name => table[name]);
          const svg = element("svg:svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `params against ${metric}` });
          const x = i => 60 + i * (width - 120) / Math.max(1, used.length - 1);
          const scales = used.map(name => scale(table[name], height - 40, 40)), heat = scale(table[metric] ?? [], 0, 1);
          table.ids.forEach((id, run) => {
            const points = used.map((name, i) => [x(i), scales[i].at(table[name][run])]).filter(p => p[1] !== null);
            if (points.length < 2) return;
            const share = heat.at((table[metric] ?? [])[run] ?? null);
            const line = element("svg:polyline", { points: points.map(p => p.join(",")).join(" "), fill: "none", "stroke-opacity": 0.45,
              stroke: share === null ? "#888" : colour(share), "stroke-width": 1.5 });
            line.append(element("svg:title", {}, table.names[run]));
            svg.append(line);
          });
          used.forEach((name, i) => {
            // The names at the ends stay within the picture.
            const isFirst = i === 0, isLast = !isFirst && i === used.length - 1;
            const [left, anchor] = isFirst ? [6, "start"] : isLast ? [width - 6, "end"] : [x(i), "middle"];
            svg.append(element("svg:line", { x1: x(i), x2: x(i), y1: 40, y2: height - 40, stroke: "currentColor" }));
            for (const [text, y] of [[name, 16], [scales[i].ends[1], 34], [scales[i].ends[0], height - 24]])
              svg.append(element("svg:text", { x: left, y, "text-anchor": anchor, "font-size": 11, fill: "currentColor" }, cut(text, 20), element("svg:title", {}, text)));
          });
          place.replaceChildren(svg);
        };
        const showComparison = async () => {
          const place = document.querySelector("#comparison");
          if (!place) return;
          const answer = await fetch(root + "/api/gyre/v1/runs/table?" + place.dataset.query);
          if (!answer.ok) { place.textContent = "The runs could not be read."; return; }
          const found = await answer.json();
          const table = { ids: found.ids, names: found.names };
          for (const [name, values] of Object.entries(found.params)) table["params." + name] = values;
          for (const [name, values] of Object.entries(found.metrics)) table["metrics." + name] = values;
          const params = Object.keys(found.params).map(n => "params." + n), metrics = Object.keys(found.metrics).map(n => "metrics." + n);
          if (!metrics.length) { place.textContent = "No run has a metric."; return; }
          const address = new URLSearchParams(location.search), controls = document.querySelector("#comparison-controls");
          const fill = (select, names, chosen) => {
            select.replaceChildren(...names.map(name => element("option", { value: name }, cut(name, 60))));
            // What is the same everywhere shows nothing.
            const varying = names.find(name => new Set(table[name]).size > 1);
            select.value = names.includes(chosen) ? chosen : varying ?? names[0];
          };
          const { x, y } = controls.elements, shown = params.slice(0, 9);
          const note = element("p", { class: "note" }, `The lines go through the first ${shown.length} of ${params.length} params.`);
          if (shown.length < params.length) place.append(note);
          fill(x, [...params, ...metrics], address.get("x"));
          fill(y, metrics, address.get("y"));
          const draw = () => {
            drawScatter(document.querySelector("#scatter"), table, x.value, y.value);
            drawParallel(document.querySelector("#parallel"), table, shown, y.value);
          };
          controls.addEventListener("input", () => {
            address.set("x", x.value);
            address.set("y", y.value);
            history.replaceState(null, "", "?" + address);
            draw();
          });
          draw();
        };
        """
}
