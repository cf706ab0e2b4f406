// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// Curves of metrics: drawn larger, smoothed, and growing while their run logs.
    static let curves = """

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
            const answer = await fetch(`${root}/api/gyre/v1/runs/${this.figure.dataset.run}/history?points=1000&metric=${encodeURIComponent(this.name)}`);
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
              caption.replaceChildren(element("bdi", {}, this.name), values.length === 1 ? `: ${readable(last)}`
                : `: from ${readable(first)} to ${readable(last)}, between ${readable(low)} and ${readable(high)}`);
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
          const source = new EventSource(`${root}/api/gyre/v1/runs/${run}/events?${after}`);
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
        """
}
