// SPDX-License-Identifier: Apache-2.0

extension Assets {
    /// What all scripts share: following printed links, telling numbers, making elements.
    static let numbers = """
        "use strict";
        // What stands before every address of this server, behind a proxy for instance.
        const root = new URL(document.currentScript.src).pathname.replace("/static/gyre.js", "");
        // The links that mlflow's client prints lead to MLflow's own pages; the server knows the one here.
        const follow = () => {
          if (location.pathname === root + "/" && location.hash.startsWith("#/"))
            location.replace(root + "/mlflow?address=" + encodeURIComponent(location.hash.slice(1)));
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
        """
}
