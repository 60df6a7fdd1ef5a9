// One panel: its frame, and what stands in it: numbers, a table, a chart, an error, or why there is nothing.
"use strict";
(function (WF) {
  const { el, svg, state, moment, WORDS } = WF.dom;

  const SCROLLED = ".scroll, .gauges";

  class Panel {
    constructor(spec, page) {
      this.spec = spec;
      this.page = page;
      this.body = el("div", { class: `body ${spec.kind}` }, el("p", { class: "muted wait" }, "loading"));
      this.title = el("h3", { id: `t${spec.key}` }, spec.title || "Panel");
      this.queries = el("div", {});
      this.root = el("section", { class: `panel ${spec.kind}${spec.x < 12 ? " left" : ""}`, "aria-labelledby": `t${spec.key}`, "data-panel": spec.key, "data-state": "loading", onkeydown: (event) => this.key(event) },
        el("header", {}, this.title, this.menu()), this.body);
      this.root.style.setProperty("--x", spec.x + 1);
      this.root.style.setProperty("--w", spec.w);
      this.root.style.setProperty("--h", spec.h);
    }

    menu() {
      const { spec } = this;
      const inside = [];
      if (spec.description) inside.push(el("p", { class: "description" }, spec.description));
      inside.push(...spec.links.map(([text, url]) => el("p", {}, el("a", { href: url }, text))));
      const acts = [el("button", { type: "button", onclick: () => this.data && WF.csv.save(this.data, spec.title) }, "Download as CSV")];
      if (!WF.snapshot) acts.unshift(el("a", { class: "button", href: this.viewAddress(), title: "Key v" }, this.page.outline.view ? "Show all panels" : "Full screen"));
      inside.push(el("p", { class: "acts" }, acts));
      inside.push(this.queries);
      const menu = el("details", { class: "about" }, el("summary", { "aria-label": `About ${spec.title}`, title: "What this is" }, "i"),
        el("div", { class: "sheet card" }, ...inside));
      menu.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || !menu.open) return;
        event.stopPropagation();
        menu.open = false;
        menu.querySelector("summary").focus();
      });
      return menu;
    }

    // The address of this panel over the whole page, or of the page with all of them.
    viewAddress() {
      return this.page.address({ viewPanel: this.page.outline.view ? null : this.spec.key });
    }

    key(event) {
      if (event.key !== "v" || event.ctrlKey || event.metaKey || event.altKey || WF.snapshot) return;
      location.assign(this.viewAddress());
    }

    get wanted() {
      return this.spec.kind !== "other";
    }

    other() {
      const link = this.page.outline.grafana;
      const words = this.spec.type === "text" ? el("p", { class: "prose" }, this.spec.text)
        : el("p", {}, `A panel of the type ${this.spec.type} is not drawn here: `,
          link ? el("a", { href: `${link}?viewPanel=panel-${this.spec.id}` }, "open in Grafana") : "open in Grafana", ".");
      this.fill("done", words);
    }

    fill(outcome, ...children) {
      this.closeChart();
      // A refresh must take neither a reader's place nor the keyboard's.
      const [old, focused] = [this.body.querySelector(SCROLLED), this.body.contains(document.activeElement)];
      const top = old ? old.scrollTop : 0;
      this.body.replaceChildren(...children.flat());
      this.root.dataset.state = outcome;
      const fresh = this.body.querySelector(SCROLLED);
      if (!old || !fresh) return;
      fresh.scrollTop = top;
      if (focused) fresh.focus({ preventScroll: true });
    }

    closeChart() {
      if (this.chart) this.chart.close();
      this.chart = null;
    }

    show(data) {
      this.data = data;
      this.root.classList.remove("busy");
      this.queries.replaceChildren(...(data.queries || []).map((query) => el("pre", {}, `${query.ref}: ${query.expr}`)));
      if (data.error) return this.fill("error", notice("critical", "Error", [data.error]));
      const errors = data.errors || [];
      if (data.silence) return this.fill(data.silence.words && !data.silence.why ? "done" : "silent", silence(data.silence));
      if (errors.length && empty(data)) return this.fill("error", notice("critical", "Error", errors));
      const extra = [...errors.map((text) => ["critical", text]), ...(data.notes || []).map((text) => ["info", text])];
      this[data.kind](data);
      this.body.append(...extra.map(([kind, text]) => notice(kind, "", [text])));
      this.root.dataset.state = errors.length ? "error" : "done";
      return undefined;
    }

    timeseries(data) {
      if (!window.Dygraph) {
        this.fill("done", notice("warning", "No charts", [`install the package ${this.page.outline.vendor || "libjs-dygraphs"} on the server; the last values are:`]), lastValues(data));
        return;
      }
      this.plane(WF.Chart, data);
    }

    heatmap(data) {
      if (!data.rows.length) return this.fill("done", silence({ text: data.none, state: "", words: "yes" }));
      return this.plane(WF.Heatmap, data);
    }

    "state-timeline"(data) {
      this.plane(WF.Timeline, data);
    }

    // The same plane takes new data, so that a refresh neither flickers nor loses the focus.
    plane(Kind, data) {
      if (!this.chart) {
        this.body.replaceChildren();
        this.chart = new Kind(this.body, (from, to) => this.page.zoom(from, to));
      }
      this.body.querySelectorAll(":scope > .notice").forEach((one) => one.remove());
      this.chart.window = this.page.window;
      this.chart.draw(data, this.spec.title);
    }

    bargauge(data) {
      const bars = data.items.map((item) => el("div", { class: "gauge" }, el("span", { class: "name", title: item.name }, item.name || "value"), bar(item),
        el("span", { class: "amount" }, item.state ? state(item.state, item.text) : item.text, item.state ? el("span", { class: "hide" }, ` ${WORDS[item.state]}`) : null)));
      if (data.more) bars.push(el("p", { class: "muted" }, `and ${data.more} more`));
      this.fill("done", el("div", { class: "gauges", tabindex: "0", role: "group", "aria-labelledby": `t${this.spec.key}` }, bars));
    }

    stat(data) {
      const items = data.items.map((item) => el("div", { class: "item" },
        item.name ? el("div", { class: "name" }, item.name) : null,
        item.only_name ? null : el("div", { class: "value" }, ...big(item.text)),
        item.state ? state(item.state) : null,
        item.curve.some((value) => value !== null) ? curve(item) : null));
      if (data.more) items.push(el("p", { class: "muted" }, `and ${data.more} more`));
      this.fill("done", el("div", { class: `items n${Math.min(items.length, 5)}` }, ...items));
    }

    table(data) {
      const head = el("tr", {}, data.columns.map((column) => el("th", { scope: "col", class: column.number ? "number" : null }, column.name)));
      const rows = data.rows.map((row) => el("tr", {}, row.map((cell, index) => tableCell(cell, data.columns[index]))));
      const more = data.more ? [el("p", { class: "muted" }, `and ${data.more} more rows`)] : [];
      this.fill("done", el("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": `t${this.spec.key}` },
        el("table", {}, el("thead", {}, head), el("tbody", {}, rows)), ...more));
    }
  }

  function tableCell(cell, column) {
    const text = cell.time === undefined ? cell.text : moment(cell.time);
    // The shape tells the state to eyes, the hidden word to a screen reader.
    const inner = cell.state ? [state(cell.state, text), el("span", { class: "hide" }, ` ${WORDS[cell.state]}`)] : text;
    return el("td", { class: column.number ? "number" : null }, ...[inner].flat());
  }

  function empty(data) {
    return !((data.series || data.items || data.rows || []).length);
  }

  function notice(kind, word, texts) {
    return el("div", { class: "notice" }, word ? state(kind, word) : state(kind, ""), texts.map((text) => el("p", {}, text)));
  }

  function silence(given) {
    if (given.words) {
      return el("div", { class: "items n1" }, el("div", { class: "item" }, el("div", { class: "value words" }, given.text),
        given.state ? state(given.state) : null, given.why ? el("p", { class: "muted why", title: given.why }, given.why) : null));
    }
    return notice(given.state, "No data", [given.text]);
  }

  // A bar on its way from empty to full; thresholds are ticks on it.
  function bar(item) {
    const filled = el("i", { class: `filled ${item.state || ""}` });
    filled.style.width = `${(100 * item.share).toFixed(2)}%`;
    if (!item.state && item.color) filled.style.background = item.color;
    const ticks = item.marks.map((one) => {
      const tick = el("i", { class: `tick ${one.state}`, title: `${one.state || "threshold"} ${one.text}` });
      tick.style.left = `${(100 * one.share).toFixed(2)}%`;
      return tick;
    });
    return el("span", { class: "way", "aria-hidden": "true" }, filled, ticks);
  }

  // The number large, its unit smaller.
  function big(text) {
    const found = /^([−-]?[\d.,]+(?:e-?\d+)?)(\s*)(.*)$/.exec(text);
    if (!found) return [el("span", { class: "words" }, text)];
    return [found[1], found[3] ? el("span", { class: "unit" }, (found[2] ? "\u2009" : "") + found[3]) : null].filter(Boolean);
  }

  function curve(item) {
    const points = item.curve;
    const known = points.filter((value) => value !== null);
    const low = Math.min(item.min === null || item.min === undefined ? Infinity : item.min, ...known);
    const high = Math.max(...known);
    const spread = high - low || 1;
    const last = Math.max(1, points.length - 1);
    let path = "";
    let pen = "M";
    points.forEach((value, index) => {
      if (value === null) {
        pen = "M";
        return;
      }
      const y = high === low ? 15 : 28 - (26 * (value - low)) / spread;
      path += `${pen}${((100 * index) / last).toFixed(2)} ${y.toFixed(2)}`;
      pen = "L";
    });
    return svg("svg", { class: "curve", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("path", { d: path, "vector-effect": "non-scaling-stroke" }));
  }

  function lastValues(data) {
    return el("table", {}, el("tbody", {}, data.series.map((series) => el("tr", {}, el("td", {}, series.name),
      el("td", { class: "number" }, WF.units.write(series.values.filter((value) => value !== null).at(-1), series.unit, series.decimals))))));
  }

  WF.Panel = Panel;
})((window.WF = window.WF || {}));
