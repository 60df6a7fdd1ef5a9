// What every panel over time shares: a frame that is read by mouse and keys, one crosshair for all, marks of events, a zoom.
"use strict";
(function (WF) {
  const { el, svg, moment } = WF.dom;
  const planes = new Set();
  const MOST_LINES = 12;

  // Read once a colour scheme: each question to getComputedStyle makes the browser lay the page out again.
  const tokens = new Map();
  const token = (name) => {
    if (!tokens.has(name)) tokens.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
    return tokens.get(name);
  };

  // A kind gives: redraw(), xOf(ms) and timeOf(px) within the frame, area() ({x, w}), tipLines(row, event), rowsShown().
  class Plane {
    constructor(host, onZoom) {
      this.onZoom = onZoom;
      this.cross = el("div", { class: "cross", hidden: true });
      this.tip = el("div", { class: "tip", hidden: true, role: "status" });
      this.band = el("div", { class: "band", hidden: true });
      this.plot = el("div", { class: "plot" });
      this.marks = el("div", { class: "marks", "aria-hidden": "true" });
      this.frame = el("div", { class: "chart", tabindex: "0", role: "group", onkeydown: (event) => this.key(event), onblur: () => hover(null) },
        this.plot, this.marks, this.band, this.cross, this.tip);
      this.legend = el("div", { class: "legend" });
      host.replaceChildren(this.frame, this.legend);
      this.watcher = new ResizeObserver(() => this.resized());
      this.watcher.observe(this.frame);
      planes.add(this);
    }

    name(title) {
      this.title = title;
      this.frame.setAttribute("aria-label", `${title}, chart. Arrow keys read values, Shift and arrows select, Enter zooms in.`);
    }

    size() {
      return `${this.frame.clientWidth}x${this.frame.clientHeight}`;
    }

    range() {
      return this.window || [this.data.from, this.data.to];
    }

    // First and last point of the server's grid that lie in the window; the last is before the first when none does.
    visible() {
      const { data } = this;
      const [from, to] = this.range();
      return [Math.max(0, Math.ceil((from - data.start) / data.step)), Math.min(data.count - 1, Math.floor((to - data.start) / data.step))];
    }

    // The time of a row, counted over all that the server gave.
    at(row) {
      return this.data.start + row * this.data.step;
    }

    apart() {
      const [from, to] = this.range();
      return (to - from) / Math.max(2, this.plot.clientWidth / 80);
    }

    showCross(x, from, event) {
      const [start, end] = this.data ? this.range() : [1, 0];
      if (x === null || !this.data || x < start || x > end) {
        this.cross.hidden = this.tip.hidden = true;
        return;
      }
      this.cross.hidden = false;
      this.cross.style.left = `${this.xOf(x)}px`;
      this.tip.hidden = from !== this;
      if (from === this) this.fillTip(x, event);
    }

    fillTip(x, event) {
      const [first, last] = this.visible();
      const row = Math.max(first, Math.min(last, this.rowOf(x)));
      this.row = row;
      const lines = this.tipLines(row, event);
      const more = lines.length > MOST_LINES ? [el("div", { class: "muted" }, `and ${lines.length - MOST_LINES} more`)] : [];
      this.tip.replaceChildren(el("time", {}, moment(x)), ...(lines.length ? lines.slice(0, MOST_LINES) : [el("div", {}, "no sample here")]),
        ...more, ...WF.marks.near(this, x));
      const left = this.xOf(x);
      const wide = this.frame.clientWidth;
      this.tip.style.left = left > wide / 2 ? "" : `${left + 10}px`;
      this.tip.style.right = left > wide / 2 ? `${wide - left + 10}px` : "";
    }

    rowOf(x) {
      return Math.round((x - this.data.start) / this.data.step);
    }

    key(event) {
      const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
      const [first, last] = this.data ? this.visible() : [0, -1];
      if (move !== undefined && last >= first) {
        const old = this.row === undefined ? last : this.row;
        this.anchor = event.shiftKey ? (this.anchor === undefined ? old : this.anchor) : undefined;
        this.row = Math.max(first, Math.min(last, old + move));
        hover(this.at(this.row), this);
        this.select(this.row);
        this.showSelection();
        event.preventDefault();
      } else if (event.key === "Enter" && this.anchor !== undefined && this.anchor !== this.row) {
        const [begin, end] = [this.anchor, this.row].sort((a, b) => a - b);
        this.anchor = undefined;
        this.showSelection();
        this.onZoom(this.at(begin), this.at(end));
      } else if (event.key === "Escape" && (this.anchor !== undefined || !this.cross.hidden)) {
        this.anchor = undefined;
        this.showSelection();
        hover(null);
        event.stopPropagation(); // a second Escape leaves the full screen
      }
    }

    select() {}

    // What Shift and arrows have chosen is seen as what a drag has.
    showSelection() {
      this.band.hidden = this.anchor === undefined;
      if (this.band.hidden) return;
      const [from, to] = [this.xOf(this.at(this.anchor)), this.xOf(this.at(this.row))].sort((a, b) => a - b);
      this.band.style.left = `${from}px`;
      this.band.style.width = `${to - from}px`;
    }

    close() {
      planes.delete(this);
      this.watcher.disconnect();
    }
  }

  function hover(x, from, event) {
    for (const plane of planes) plane.showCross(x, from, event);
  }

  // A short line in a series' hue and dashes, as it stands in legends and tips.
  function stroke(style, width) {
    const line = svg("line", { x1: 0, y1: 5, x2: width, y2: 5, "stroke-width": 3, class: `hue-${style.hue}` });
    if (!style.hue) line.setAttribute("stroke", style.color);
    if (style.dash) line.setAttribute("stroke-dasharray", style.dash.join(" "));
    return svg("svg", { width, height: 10, "aria-hidden": "true" }, line);
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    tokens.clear();
    for (const plane of planes) if (plane.data) plane.draw(plane.data, plane.title);
  });

  WF.Plane = Plane;
  WF.charts = planes;
  WF.plane = { token, hover, stroke };
})((window.WF = window.WF || {}));
