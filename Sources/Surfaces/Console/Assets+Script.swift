// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// What runs in the browser: every page is whole without it, and it only adds what moves.
    static let script = """
        "use strict";
        // The links that mlflow's client prints lead to MLflow's own pages; the server knows the one here.
        const follow = () => {
          if (location.pathname === "/" && location.hash.startsWith("#/"))
            location.replace("/mlflow?address=" + encodeURIComponent(location.hash.slice(1)));
        };
        addEventListener("hashchange", follow);
        follow();
        // Four significant digits and no less than the whole part, as the server shows numbers; more where that is asked for.
        const readable = (value, digits = 4) => {
          if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
          const size = Math.abs(value);
          if (Number.isInteger(value) && size < 1e15) return String(value);
          if (size >= 1e-4 && size < 1e15) return String(Number(value.toPrecision(Math.min(100, Math.max(digits, Math.ceil(Math.log10(size)))))));
          return value.toExponential(digits - 1).replace(/\\.?0*e\\+?/, "e");
        };
        // Texts of numbers on one axis: as many digits as it takes to tell them apart.
        const labels = numbers => {
          for (let digits = 4; digits < 16; digits++) {
            const texts = numbers.map(n => n === null ? "" : readable(n, digits));
            if (new Set(texts).size === new Set(numbers).size) return texts;
          }
          return numbers.map(String);
        };
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
            Object.assign(this, { figure, settings, name: figure.dataset.metric, points: [], cursor: null, waiting: null });
          }
          async load() {
            // What is logged meanwhile is put behind what was logged before.
            this.waiting = [];
            const answer = await fetch(`/api/gyre/v1/runs/${this.figure.dataset.run}/history?points=1000&metric=${encodeURIComponent(this.name)}`);
            const { points, cursor } = answer.ok ? await answer.json() : { points: [] };
            const waiting = this.waiting;
            [this.waiting, this.cursor] = [null, cursor ?? null];
            this.add([...points.map(p => [p.step, typeof p.value === "number" ? p.value : null, p.timestamp_ms]), ...waiting]);
          }
          // Points are [step, value, milliseconds], in the order that they have in the store; those that are there already are left out.
          add(points) {
            if (this.waiting) { this.waiting.push(...points); return; }
            for (const point of points) {
              const last = this.points.at(-1);
              const isNew = !last || point[2] > last[2] || (point[2] === last[2] && (point[0] > last[0] || (point[0] === last[0] && point[1] !== last[1])));
              if (isNew) this.points.push(point);
            }
            this.figure.dataset.points = this.points.length;
            this.timer ??= requestAnimationFrame(() => { this.timer = undefined; this.draw(); });
          }
          draw(afresh = false) {
            const values = this.points.map(p => p[1]).filter(v => v !== null);
            if (values.length) {
              const [first, last] = [values[0], values.at(-1)];
              const [low, high] = values.reduce(([l, h], v) => [Math.min(l, v), Math.max(h, v)], [first, first]);
              const caption = this.figure.querySelector("figcaption");
              caption.textContent = values.length === 1 ? `${this.name}: ${readable(last)}`
                : `${this.name}: from ${readable(first)} to ${readable(last)}, between ${readable(low)} and ${readable(high)}`;
              caption.title = `from ${first} to ${last}`;
            }
            if (typeof uPlot === "undefined" || this.points.length < 2) return;
            const order = [...this.points].sort((a, b) => a[0] - b[0]);
            const isLog = this.settings.log && values.every(v => v > 0);
            const data = [order.map(p => p[0]), smooth(order.map(p => p[1]), this.settings.weight)];
            if (this.plot && !afresh) { this.plot.setData(data); return; }
            const ink = getComputedStyle(document.body).color;
            const axis = { stroke: ink, grid: { stroke: "#8884" }, ticks: { stroke: "#8884" } };
            const words = (_, splits) => labels(splits);
            this.plot?.destroy();
            this.figure.querySelector("svg")?.remove();
            this.plot = new uPlot({ width: this.width(), height: 180,
              scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } }, axes: [{ ...axis, values: words }, { ...axis, values: words, size: 64 }],
              series: [{ label: "step" }, { label: this.name, stroke: "#3584e4", width: 2, value: (_, v) => v === null ? "–" : String(v) }] }, data);
            this.figure.prepend(this.plot.root);
          }
          width() { return Math.max(160, this.figure.clientWidth - 20); }
          fit() { this.plot?.setSize({ width: this.width(), height: 180 }); }
        }
        // A metric that the page does not know yet: a curve of its own.
        const newCurve = (metric, run, settings) => {
          document.querySelector("#no-metric")?.remove();
          const figure = element("figure", { class: "curve", "data-metric": metric, "data-run": run, "data-keep": "" }, element("figcaption", {}, metric));
          document.querySelector(".curves").append(figure);
          return new Curve(figure, settings);
        };
        const watch = (run, curves, settings) => {
          const after = new URLSearchParams();
          for (const curve of curves.values()) if (curve.cursor) after.append("after", curve.cursor);
          const source = new EventSource(`/api/gyre/v1/runs/${run}/events?${after}`);
          source.addEventListener("points", event => {
            const { metric, points, cursor } = JSON.parse(event.data);
            const latest = document.querySelector(`[data-latest="${CSS.escape(metric)}"]`);
            let curve = curves.get(metric);
            if (!curve && !latest) {
              curve = newCurve(metric, run, settings);
              curves.set(metric, curve);
              curve.load();
            }
            if (curve) {
              curve.add(points);
              curve.cursor = cursor;
            }
            const [step, value] = points.at(-1);
            if (latest) [latest.textContent, latest.title] = [readable(value), String(value)];
            const live = document.querySelector("[data-live]");
            if (live) live.textContent = `${metric} ${readable(value)} at step ${step}`;
          });
          source.addEventListener("end", () => { source.close(); refresh(); });
          // Whatever ended the stream, it goes on where it was.
          source.onerror = () => { source.close(); setTimeout(() => watch(run, curves, settings), 2000); };
        };
        const showCurves = async () => {
          const figures = [...document.querySelectorAll("figure.curve[data-metric]")];
          const controls = document.querySelector("#curve-controls"), live = document.querySelector("[data-live]");
          if (!controls || (!figures.length && !live)) return;
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
            for (const curve of curves.values()) curve.draw(true);
          });
          addEventListener("resize", () => { for (const curve of curves.values()) curve.fit(); });
          await Promise.all([...curves.values()].map(curve => curve.load()));
          if (live) watch(live.dataset.live, curves, settings);
        };

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
            svg.append(element("svg:line", { x1: x(i), x2: x(i), y1: 40, y2: height - 40, stroke: "currentColor" }));
            for (const [text, y] of [[name, 16], [scales[i].ends[1], 34], [scales[i].ends[0], height - 24]])
              svg.append(element("svg:text", { x: x(i), y, "text-anchor": "middle", "font-size": 11, fill: "currentColor" }, cut(text, 20), element("svg:title", {}, text)));
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
