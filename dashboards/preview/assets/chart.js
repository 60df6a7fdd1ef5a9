// Time series by Dygraphs: axes with units, thresholds, a crosshair that all charts share, zoom by mouse and by keys.
"use strict";
(function (WF) {
  const { el, svg, mark, moment } = WF.dom;
  const HUES = 4;
  const MOST_FILLED = 4; // above that, fills over fills are grey mud
  const DASHES = [null, [7, 3], [2, 3], [9, 3, 2, 3]];
  const charts = new Set();

  // Read once a colour scheme: each question to getComputedStyle makes the browser lay the page out again.
  const tokens = new Map();
  const token = (name) => {
    if (!tokens.has(name)) tokens.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
    return tokens.get(name);
  };
  const look = (index, series) => ({
    color: series.color || token(`--series-${(index % HUES) + 1}`),
    dash: series.dash ? DASHES[1] : DASHES[Math.floor(index / HUES) % DASHES.length],
    hue: series.color ? 0 : (index % HUES) + 1,
  });

  // Its legend measures an em by a style attribute, which our Content-Security-Policy forbids; we have a legend of our own.
  if (window.Dygraph) window.Dygraph.PLUGINS = window.Dygraph.PLUGINS.filter((one) => String(one.prototype) !== "Legend Plugin");

  class Chart {
    constructor(host, onZoom) {
      this.onZoom = onZoom;
      this.cross = el("div", { class: "cross", hidden: true });
      this.tip = el("div", { class: "tip", hidden: true, role: "status" });
      this.band = el("div", { class: "band", hidden: true });
      this.plot = el("div", { class: "plot" });
      this.frame = el("div", { class: "chart", tabindex: "0", role: "group", onkeydown: (event) => this.key(event), onblur: () => hover(null) },
        this.plot, this.band, this.cross, this.tip);
      this.legend = el("div", { class: "legend" });
      host.replaceChildren(this.frame, this.legend);
      this.shown = [];
      this.watcher = new ResizeObserver(() => this.resized());
      this.watcher.observe(this.frame);
      charts.add(this);
    }

    draw(data, title) {
      this.data = data;
      this.title = title;
      this.frame.setAttribute("aria-label", `${title}, chart. Arrow keys read values, Shift and arrows select, Enter zooms in.`);
      if (this.shown.length !== data.series.length) this.shown = data.series.map(() => true);
      this.rows = this.inWindow();
      this.drawLegend(); // first, because it takes room that the chart then has not
      const options = this.options();
      const shape = JSON.stringify([data.series.length, data.stack, data.log, data.bars, data.series.map((one) => one.second)]);
      if (this.graph && shape === this.shape) {
        this.graph.updateOptions({ file: this.rows, ...options });
      } else {
        if (this.graph) this.graph.destroy();
        this.graph = new window.Dygraph(this.plot, this.rows, options);
        this.shape = shape;
      }
      this.drawnAt = this.size();
    }

    size() {
      return `${this.frame.clientWidth}x${this.frame.clientHeight}`;
    }

    // Rows outside of the window are kept from Dygraphs, which counts them and, in Debian 13, complains of them.
    inWindow() {
      const { data } = this;
      const [from, to] = this.range();
      const first = Math.max(0, Math.ceil((from - data.start) / data.step));
      const last = Math.min(data.count - 1, Math.floor((to - data.start) / data.step));
      this.first = last < first ? 0 : first;
      return last < first ? [[(from + to) / 2, ...data.series.map(() => null)]] : rows(data, first, last);
    }

    range() {
      return this.window || [this.data.from, this.data.to];
    }

    // The room changes with the window, with fonts and with the legend; Dygraphs hears of the window alone.
    resized() {
      if (!this.graph || this.drawnAt === this.size()) return;
      this.drawnAt = this.size();
      this.graph.resize();
    }

    options() {
      const { data } = this;
      const looks = data.series.map((series, index) => look(index, series));
      const unit2 = (data.series.find((series) => series.second) || {}).unit;
      const series = {};
      data.series.forEach((one, index) => {
        series[`s${index}`] = { strokePattern: looks[index].dash, axis: one.second ? "y2" : "y1" };
      });
      return {
        labels: ["t", ...data.series.map((_, index) => `s${index}`)], colors: looks.map((one) => one.color), series,
        legend: "never", visibility: this.shown, dateWindow: this.range(), strokeWidth: 1.5, highlightCircleSize: 3,
        stackedGraph: data.stack, fillGraph: data.stack || (data.fill > 0 && data.series.length <= MOST_FILLED), fillAlpha: data.stack ? Math.max(data.fill, 0.25) : data.fill || 0.1,
        stepPlot: data.bars, connectSeparatedPoints: data.span, logscale: data.log, labelsUTC: Boolean(WF.utc), rightGap: 8,
        gridLineColor: token("--line"), axisLineColor: token("--line"), axisLabelFontSize: 12, xRangePad: 0, yRangePad: 6,
        axes: {
          x: { ticker: window.Dygraph.dateTicker, axisLabelFormatter: (value) => mark(Number(value), this.apart()), pixelsPerLabel: 80, axisLabelWidth: 64 },
          y: yAxis(data.axis.unit, data.axis.decimals, [data.axis.min, data.axis.max]),
          y2: unit2 === undefined ? {} : { ...yAxis(unit2, null, [null, null]), drawGrid: false, independentTicks: true },
        },
        underlayCallback: (canvas, area, graph) => thresholds(canvas, area, graph, data.thresholds),
        highlightCallback: (_event, x, _points, row) => hover(x, this, row),
        unhighlightCallback: () => hover(null),
        interactionModel: WF.interaction(this),
      };
    }

    apart() {
      const [from, to] = this.range();
      return (to - from) / Math.max(2, this.plot.clientWidth / 80);
    }

    setWindow(window) {
      this.window = window;
      if (!this.graph) return;
      this.rows = this.inWindow();
      this.graph.updateOptions({ file: this.rows, dateWindow: this.range() });
    }

    drawLegend() {
      const { data } = this;
      this.legend.hidden = !data.legend || data.series.length === 0;
      if (this.legend.hidden) return;
      const head = el("tr", {}, el("th", { scope: "col" }, "Series"), data.calcs.map((calc) => el("th", { scope: "col", class: "number" }, calc)));
      const body = data.series.map((series, index) =>
        el("tr", {}, el("td", {}, this.toggle(series, index)), series.calcs.map((text) => el("td", { class: "number" }, text))));
      if (data.more) body.push(el("tr", {}, el("td", { colspan: 1 + data.calcs.length }, `and ${data.more} more series that are not drawn`)));
      const scroll = this.legend.scrollTop;
      this.legend.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, body)));
      this.legend.scrollTop = scroll;
    }

    toggle(series, index) {
      const style = look(index, series);
      const line = svg("line", { x1: 0, y1: 5, x2: 18, y2: 5, "stroke-width": 3, class: `hue-${style.hue}` });
      if (!style.hue) line.setAttribute("stroke", style.color);
      if (style.dash) line.setAttribute("stroke-dasharray", style.dash.join(" "));
      return el("button", {
        type: "button", class: "series", "aria-pressed": String(this.shown[index]), title: `Show or hide ${series.name}`,
        onclick: (event) => {
          this.shown[index] = !this.shown[index];
          event.currentTarget.setAttribute("aria-pressed", String(this.shown[index]));
          this.graph.setVisibility(index, this.shown[index]);
        },
      }, svg("svg", { width: 18, height: 10, "aria-hidden": "true" }, line), el("span", {}, series.name));
    }

    showCross(x, from) {
      if (x === null || !this.graph || x < this.data.from || x > this.data.to) {
        this.cross.hidden = this.tip.hidden = true;
        return;
      }
      this.cross.hidden = false;
      this.cross.style.left = `${this.graph.toDomXCoord(x)}px`;
      this.tip.hidden = from !== this;
      if (from === this) this.fillTip(x);
    }

    fillTip(x) {
      const row = Math.max(this.first, Math.min(this.first + this.rows.length - 1, Math.round((x - this.data.start) / this.data.step)));
      this.row = row;
      const listed = this.data.series
        .map((series, index) => ({ series, index, value: series.values[row] }))
        .filter((one) => this.shown[one.index] && one.value !== null)
        .sort((a, b) => b.value - a.value).slice(0, 12);
      const lines = listed.map(({ series, index, value }) => {
        const style = look(index, series);
        const line = svg("line", { x1: 0, y1: 5, x2: 14, y2: 5, "stroke-width": 3, class: `hue-${style.hue}` });
        if (!style.hue) line.setAttribute("stroke", style.color);
        if (style.dash) line.setAttribute("stroke-dasharray", style.dash.join(" "));
        return el("div", {}, svg("svg", { width: 14, height: 10, "aria-hidden": "true" }, line), el("span", { class: "name" }, series.name),
          el("b", {}, WF.units.write(value, series.unit, series.decimals)));
      });
      this.tip.replaceChildren(el("time", {}, moment(x)), ...(lines.length ? lines : [el("div", {}, "no sample here")]));
      const left = this.graph.toDomXCoord(x);
      const wide = this.frame.clientWidth;
      this.tip.style.left = left > wide / 2 ? "" : `${left + 10}px`;
      this.tip.style.right = left > wide / 2 ? `${wide - left + 10}px` : "";
    }

    key(event) {
      const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
      if (move !== undefined && this.rows.length) {
        const last = this.first + this.rows.length - 1;
        const old = this.row === undefined ? last : this.row;
        this.anchor = event.shiftKey ? (this.anchor === undefined ? old : this.anchor) : undefined;
        this.row = Math.max(this.first, Math.min(last, old + move));
        hover(this.at(this.row), this);
        this.graph.setSelection(this.row - this.first);
        event.preventDefault();
      } else if (event.key === "Enter" && this.anchor !== undefined && this.anchor !== this.row) {
        const [first, last] = [this.anchor, this.row].sort((a, b) => a - b);
        this.anchor = undefined;
        this.onZoom(this.at(first), this.at(last));
      } else if (event.key === "Escape") {
        this.anchor = undefined;
        hover(null);
      }
    }

    // The time of a row, counted over all that the server gave.
    at(row) {
      return this.data.start + row * this.data.step;
    }

    close() {
      charts.delete(this);
      this.watcher.disconnect();
      if (this.graph) this.graph.destroy();
    }
  }

  function rows(data, first, last) {
    const columns = data.series.map((series) => series.values);
    const made = [];
    for (let row = first; row <= last; row += 1) {
      const line = [data.start + row * data.step];
      for (const column of columns) line.push(column[row]);
      made.push(line);
    }
    return made;
  }

  function yAxis(unit, decimals, range) {
    const text = (value) => WF.units.write(Number(Number(value).toPrecision(12)), unit, decimals);
    return {
      // Dygraphs puts labels in as HTML, so a unit of the dashboard must not be able to hold any.
      axisLabelFormatter: (value) => text(value).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`),
      valueRange: range, labelsKMG2: WF.units.isBinary(unit), axisLabelWidth: 72, pixelsPerLabel: 22, drawAxis: true,
    };
  }

  function thresholds(canvas, area, graph, given) {
    const bands = given.style.includes("area");
    const lines = given.style !== "off" && given.style !== "area";
    const steps = [{ value: -Infinity, state: given.base }, ...given.steps];
    const named = []; // heights at which a word stands at the right: the next one that close goes to the left
    canvas.save();
    canvas.beginPath();
    canvas.rect(area.x, area.y, area.w, area.h);
    canvas.clip();
    steps.forEach((step, index) => {
      const hue = step.color || (step.state && token(`--${step.state}`));
      if (!hue || !Number.isFinite(step.value)) return;
      const y = graph.toDomYCoord(step.value);
      if (bands) {
        const next = steps[index + 1];
        const top = next ? graph.toDomYCoord(next.value) : area.y;
        canvas.globalAlpha = 0.12;
        canvas.fillStyle = hue;
        canvas.fillRect(area.x, Math.min(y, top), area.w, Math.abs(y - top));
      }
      if (lines) thresholdLine(canvas, area, y, hue, step, named);
    });
    canvas.restore();
  }

  function thresholdLine(canvas, area, y, hue, step, named) {
    canvas.globalAlpha = 1;
    canvas.strokeStyle = hue;
    canvas.lineWidth = 1.5;
    canvas.setLineDash(step.state === "critical" ? [] : [6, 4]);
    canvas.beginPath();
    canvas.moveTo(area.x, y);
    canvas.lineTo(area.x + area.w, y);
    canvas.stroke();
    canvas.setLineDash([]);
    canvas.fillStyle = token("--muted");
    canvas.font = "11px system-ui, sans-serif";
    const at = y - 4 < area.y + 8 ? y + 12 : y - 4;
    const left = named.some((other) => Math.abs(other - at) < 12);
    if (!left) named.push(at);
    canvas.textAlign = left ? "left" : "right";
    canvas.fillText(`${step.state || "threshold"} ${step.text}`, left ? area.x + 4 : area.x + area.w - 4, at);
  }

  function hover(x, from) {
    for (const chart of charts) chart.showCross(x, from);
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    tokens.clear();
    for (const chart of charts) if (chart.data) chart.draw(chart.data, chart.title);
  });

  WF.Chart = Chart;
  WF.charts = charts;
})((window.WF = window.WF || {}));
