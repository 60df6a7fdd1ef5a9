// Time series by Dygraphs: axes with units, thresholds, a crosshair that all charts share, zoom by mouse and by keys.
"use strict";
(function (WF) {
  const { el, mark } = WF.dom;
  const { token, hover, stroke } = WF.plane;
  const HUES = 4;
  const MOST_FILLED = 4; // above that, fills over fills are grey mud
  const DASHES = [null, [7, 3], [2, 3], [9, 3, 2, 3]];
  const look = (index, series) => ({
    color: series.color || token(`--series-${(index % HUES) + 1}`),
    dash: series.dash ? DASHES[1] : DASHES[Math.floor(index / HUES) % DASHES.length],
    hue: series.color ? 0 : (index % HUES) + 1,
  });

  // Its legend measures an em by a style attribute, which our Content-Security-Policy forbids; we have a legend of our own.
  if (window.Dygraph) window.Dygraph.PLUGINS = window.Dygraph.PLUGINS.filter((one) => String(one.prototype) !== "Legend Plugin");

  class Chart extends WF.Plane {
    constructor(host, onZoom) {
      super(host, onZoom);
      this.hidden = new Set(); // names of series that are not drawn
      this.shown = [];
    }

    draw(data, title) {
      this.data = data;
      this.name(title);
      this.shown = data.series.map((one) => !this.hidden.has(one.name));
      if (!this.shown.includes(true)) this.show(() => true);
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
      WF.marks.draw(this);
    }

    // Rows outside of the window are kept from Dygraphs, which counts them and, in Debian 13, complains of them.
    inWindow() {
      const { data } = this;
      const [from, to] = this.range();
      const [first, last] = this.visible();
      this.first = last < first ? 0 : first;
      return last < first ? [[(from + to) / 2, ...data.series.map(() => null)]] : rows(data, first, last);
    }

    // The room changes with the window, with fonts and with the legend; Dygraphs hears of the window alone.
    resized() {
      if (!this.graph || this.drawnAt === this.size()) return;
      this.drawnAt = this.size();
      this.graph.resize();
      WF.marks.draw(this);
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
          y: yAxis(data.axis.unit, data.axis.decimals, [data.axis.min, data.axis.max], data.to / 1000),
          y2: unit2 === undefined ? {} : { ...yAxis(unit2, null, [null, null], data.to / 1000), drawGrid: false, independentTicks: true },
        },
        underlayCallback: (canvas, area, graph) => thresholds(canvas, area, graph, data.thresholds),
        highlightCallback: (_event, x) => hover(x, this),
        unhighlightCallback: () => hover(null),
        interactionModel: WF.interaction(this),
      };
    }

    setWindow(window) {
      this.window = window;
      if (!this.graph) return;
      this.rows = this.inWindow();
      this.graph.updateOptions({ file: this.rows, dateWindow: this.range() });
      WF.marks.draw(this);
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
      return el("button", {
        type: "button", class: "series", "aria-pressed": String(this.shown[index]), title: `Show ${series.name} alone, or all again; with Ctrl or Shift: show or hide it`,
        onclick: (event) => this.pick(index, event.ctrlKey || event.metaKey || event.shiftKey),
      }, stroke(style, 18), el("span", {}, series.name));
    }

    // As in Grafana: a click shows one series alone and a second one all; with a key held it is one that comes or goes.
    pick(index, single) {
      const alone = this.shown.every((on, at) => on === (at === index));
      if (single) this.show((at) => (at === index ? !this.shown[at] : this.shown[at]));
      else this.show(alone ? () => true : (at) => at === index);
      this.legend.querySelectorAll(".series").forEach((button, at) => button.setAttribute("aria-pressed", String(this.shown[at])));
      this.graph.updateOptions({ visibility: this.shown });
      WF.marks.draw(this);
    }

    show(which) {
      this.shown = this.data.series.map((_, at) => which(at));
      this.hidden = new Set(this.data.series.filter((_, at) => !this.shown[at]).map((one) => one.name));
    }

    area() {
      return this.graph ? this.graph.getArea() : null;
    }

    xOf(ms) {
      return this.graph.toDomXCoord(ms);
    }

    timeOf(px) {
      return this.graph.toDataXCoord(px);
    }

    tipLines(row) {
      return this.data.series
        .map((series, index) => ({ series, index, value: series.values[row] }))
        .filter((one) => this.shown[one.index] && one.value !== null && one.value !== undefined)
        .sort((a, b) => b.value - a.value)
        .map(({ series, index, value }) => el("div", {}, stroke(look(index, series), 14), el("span", { class: "name" }, series.name),
          el("b", {}, WF.units.write(value, series.unit, series.decimals, this.data.to / 1000))));
    }

    select(row) {
      this.graph.setSelection(row - this.first);
    }

    close() {
      super.close();
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

  function yAxis(unit, decimals, range, now) {
    const text = (value) => WF.units.write(Number(Number(value).toPrecision(12)), unit, decimals, now);
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

  WF.Chart = Chart;
})((window.WF = window.WF || {}));
