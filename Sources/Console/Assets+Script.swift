// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// What runs in the browser: every page is whole without it, and it only adds what moves.
    static let script = """
        "use strict";
        // The links that mlflow's client prints lead to MLflow's own pages; each has one here.
        const moved = location.hash.match(/^#\\/(experiments|models)\\/([^/?]+)(?:\\/(?:runs|versions)\\/([^/?]+))?/);
        if (location.pathname === "/" && moved) {
          const [, kind, first, second] = moved;
          location.replace(kind === "models" ? `/models/${first}${second ? "/" + second : ""}`
            : second ? `/runs/${second}` : `/runs?experiment=${first}`);
        }
        const element = (name, attributes = {}, ...content) => {
          const made = name.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
          for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
          made.append(...content);
          return made;
        };

        // Curves: smoothed, on a logarithmic axis if asked, and growing while the run logs.
        const smooth = (values, weight) => {
          let last = null;
          return values.map(value => value === null ? null : (last = last === null ? value : last * weight + value * (1 - weight)));
        };
        class Curve {
          constructor(figure, settings) {
            Object.assign(this, { figure, settings, name: figure.dataset.metric, steps: [], values: [] });
          }
          async load() {
            const answer = await fetch(`/api/gyre/v1/runs/${this.figure.dataset.run}/history?points=1000&metric=${encodeURIComponent(this.name)}`);
            if (!answer.ok) return;
            this.add((await answer.json()).points.map(p => [p.step, typeof p.value === "number" ? p.value : null]));
          }
          add(points) {
            for (const [step, value] of points) { this.steps.push(step); this.values.push(value); }
            this.draw();
          }
          draw() {
            if (typeof uPlot === "undefined" || this.steps.length < 2) return;
            const order = this.steps.map((_, i) => i).sort((a, b) => this.steps[a] - this.steps[b]);
            const isLog = this.settings.log && this.values.every(v => v === null || v > 0);
            const data = [order.map(i => this.steps[i]), smooth(order.map(i => this.values[i]), this.settings.weight)];
            const ink = getComputedStyle(document.body).color;
            const axis = { stroke: ink, grid: { stroke: "#8884" }, ticks: { stroke: "#8884" } };
            this.plot?.destroy();
            this.figure.querySelector("svg")?.remove();
            this.plot = new uPlot({ width: Math.max(200, this.figure.clientWidth - 20), height: 180,
              scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } }, axes: [axis, axis],
              series: [{ label: "step" }, { label: this.name, stroke: "#3584e4", width: 2 }] }, data);
            this.figure.prepend(this.plot.root);
          }
        }
        const showCurves = async () => {
          const figures = [...document.querySelectorAll("figure.curve[data-metric]")];
          const controls = document.querySelector("#curve-controls");
          if (!figures.length || !controls) return;
          const address = new URLSearchParams(location.search);
          const settings = { weight: Number(address.get("smooth") ?? 0), log: address.get("log") === "1" };
          const slider = controls.elements.smooth, check = controls.elements.log;
          [slider.value, check.checked] = [settings.weight, settings.log];
          const curves = new Map(figures.map(figure => [figure.dataset.metric, new Curve(figure, settings)]));
          controls.addEventListener("input", () => {
            Object.assign(settings, { weight: Number(slider.value), log: check.checked });
            address.set("smooth", slider.value);
            address.set("log", check.checked ? "1" : "0");
            history.replaceState(null, "", "?" + address);
            for (const curve of curves.values()) curve.draw();
          });
          await Promise.all([...curves.values()].map(curve => curve.load()));
          const live = document.querySelector("[data-live]");
          if (!live) return;
          const source = new EventSource(`/api/gyre/v1/runs/${live.dataset.live}/events`);
          source.addEventListener("points", event => {
            const { metric, points } = JSON.parse(event.data);
            const curve = curves.get(metric);
            if (curve) curve.add(points); else location.reload();
            live.textContent = `${metric} ${points.at(-1)?.[1]} at step ${points.at(-1)?.[0]}`;
          });
          source.addEventListener("end", () => { source.close(); location.reload(); });
        };

        // Many runs at once: params against a metric.
        const scale = (values, low, high) => {
          const numbers = values.filter(v => v !== null);
          const isNumeric = numbers.length > 0 && numbers.every(v => v !== "" && !Number.isNaN(Number(v)));
          const words = [...new Set(numbers.map(String))].sort();
          const position = v => isNumeric ? Number(v) : words.indexOf(String(v));
          const places = numbers.map(position), min = Math.min(...places), max = Math.max(...places);
          return { at: v => v === null ? null : low + (max > min ? (position(v) - min) / (max - min) : 0.5) * (high - low),
            ends: isNumeric ? [min, max].map(n => String(Number(n.toPrecision(5)))) : [words[0] ?? "", words.at(-1) ?? ""] };
        };
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
            svg.append(element("svg:text", { x: left, y: top, "text-anchor": anchor, "font-size": 12, fill: "currentColor" }, text));
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
            svg.append(element("svg:line", { x1: x(i), x2: x(i), y1: 40, y2: height - 40, stroke: "currentColor" }));
            for (const [text, y] of [[name, 16], [scales[i].ends[1], 34], [scales[i].ends[0], height - 24]])
              svg.append(element("svg:text", { x: x(i), y, "text-anchor": "middle", "font-size": 11, fill: "currentColor" }, text.slice(0, 24)));
          });
          place.replaceChildren(svg);
        };
        const showComparison = async () => {
          const place = document.querySelector("#comparison");
          if (!place) return;
          const answer = await fetch("/api/gyre/v1/runs/table?" + place.dataset.query);
          if (!answer.ok) { place.textContent = "The runs could not be read."; return; }
          const found = await answer.json();
          const table = { ids: found.ids, names: found.names };
          for (const [name, values] of Object.entries(found.params)) table["params." + name] = values;
          for (const [name, values] of Object.entries(found.metrics)) table["metrics." + name] = values;
          const params = Object.keys(found.params).map(n => "params." + n), metrics = Object.keys(found.metrics).map(n => "metrics." + n);
          if (!metrics.length) { place.textContent = "No run has a metric."; return; }
          const address = new URLSearchParams(location.search), controls = document.querySelector("#comparison-controls");
          const fill = (select, names, chosen) => {
            select.replaceChildren(...names.map(name => element("option", { value: name }, name)));
            if (names.includes(chosen)) select.value = chosen;
          };
          const { x, y } = controls.elements;
          fill(x, [...params, ...metrics], address.get("x"));
          fill(y, metrics, address.get("y"));
          const draw = () => {
            drawScatter(document.querySelector("#scatter"), table, x.value, y.value);
            drawParallel(document.querySelector("#parallel"), table, params.slice(0, 9), y.value);
          };
          controls.addEventListener("input", () => {
            address.set("x", x.value);
            address.set("y", y.value);
            history.replaceState(null, "", "?" + address);
            draw();
          });
          draw();
        };
        addEventListener("DOMContentLoaded", () => { showCurves(); showComparison(); });
        """
}
