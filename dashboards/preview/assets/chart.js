// Time series by Dygraphs: axes with units, thresholds, a crosshair that all charts share, zoom by mouse and by keys.
"use strict";
(function (WF) {
  const { el, mark } = WF.dom;
  const { token, hover, stroke } = WF.plane;
  const HUES = 4;
  const MOST_FILLED = 2; // above that, fills over fills are grey mud
  const SEEN = 4; // lines of a legend that are seen without scrolling
  const BOUNDS = [260, 280, 300, 320, 340, 360, 380, 400, 420, 440, 460, 480]; // px, as in preview.css
  const DASHES = [null, [7, 3], [2, 3], [9, 3, 2, 3]];

  // Series that the dashboard gives one colour, such as one figure of several machines, are told apart by dashes.
  function looks(all) {
    const taken = new Map();
    return all.map((series, index) => {
      const before = taken.get(series.color) || 0;
      if (series.color) taken.set(series.color, before + 1);
      return {
        color: series.color === "text" ? token("--text") : series.color || token(`--series-${(index % HUES) + 1}`),
        dash: DASHES[((series.dash ? 1 : 0) + (series.color ? before : Math.floor(index / HUES))) % DASHES.length],
        hue: series.color ? 0 : (index % HUES) + 1,
      };
    });
  }

  // Its legend measures an em by a style attribute, which our Content-Security-Policy forbids; we have a legend of our own.
  if (window.Dygraph) window.Dygraph.PLUGINS = window.Dygraph.PLUGINS.filter((one) => String(one.prototype) !== "Legend Plugin");

  class Chart extends WF.Plane {
    constructor(host, onZoom) {
      super(host, onZoom);
      this.limits = el("div", { class: "limits", "aria-hidden": "true" });
      this.marks.after(this.limits);
      this.hidden = new Set(); // names of series that are not drawn
      this.shown = [];
    }

    draw(data, title) {
      this.data = data;
      this.name(title);
      this.shown = data.series.map((one) => !this.hidden.has(one.name));
      if (!this.shown.includes(true)) this.show(() => true);
      this.rows = this.inWindow();
      this.looks = looks(data.series);
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
      this.overlay();
    }

    overlay() {
      WF.marks.draw(this);
      this.limits.replaceChildren(...WF.axis.words(this.graph, this.data.thresholds, this.frame.clientWidth));
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
      this.overlay();
    }

    options() {
      const { data, looks } = this;
      const now = data.to / 1000;
      const filled = data.stack || (data.fill > 0 && data.series.filter((one) => !one.dash).length <= MOST_FILLED);
      const unit2 = (data.series.find((series) => series.second) || {}).unit;
      const series = {};
      data.series.forEach((one, index) => {
        series[`s${index}`] = { strokePattern: looks[index].dash, axis: one.second ? "y2" : "y1", fillGraph: filled && !one.dash };
      });
      return {
        labels: ["t", ...data.series.map((_, index) => `s${index}`)], colors: looks.map((one) => one.color), series,
        legend: "never", visibility: this.shown, dateWindow: this.range(), strokeWidth: 1.5, highlightCircleSize: 3,
        stackedGraph: data.stack, fillGraph: filled, fillAlpha: data.stack ? Math.max(data.fill, 0.25) : data.fill || 0.1,
        stepPlot: data.bars, connectSeparatedPoints: data.span, logscale: data.log, labelsUTC: Boolean(WF.utc), rightGap: 8,
        gridLineColor: token("--line"), axisLineColor: token("--line"), axisLabelFontSize: 12, xRangePad: 0, yRangePad: 6,
        axes: {
          x: { ticker: window.Dygraph.dateTicker, axisLabelFormatter: (value) => mark(Number(value), this.apart()), pixelsPerLabel: 80, axisLabelWidth: 64 },
          y: WF.axis.options({ ...data.axis, log: data.log }, [data.axis.min, data.axis.max], now),
          y2: unit2 === undefined ? {} : { ...WF.axis.options({ unit: unit2, decimals: null, log: data.log }, [null, null], now), drawGrid: false, independentTicks: true },
        },
        underlayCallback: (canvas, area, graph) => WF.axis.thresholds(canvas, area, graph, data.thresholds),
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
      this.overlay();
    }

    drawLegend() {
      const { data } = this;
      this.legend.hidden = !data.legend || data.series.length === 0;
      if (this.legend.hidden) return;
      const kinds = data.calcs.map((calc) => `number ${calc.toLowerCase()}`);
      const head = el("tr", {}, el("th", { scope: "col" }, data.series.length > SEEN ? `${data.series.length} series` : "Series"),
        data.calcs.map((calc, at) => el("th", { scope: "col", class: kinds[at] }, calc)));
      const body = order(data.series).map((index) => el("tr", {}, el("td", {}, this.toggle(data.series[index], index)),
        data.series[index].calcs.map((text, at) => el("td", { class: kinds[at] }, text))));
      if (data.more) body.push(el("tr", {}, el("td", { colspan: 1 + data.calcs.length }, `and ${data.more} more series that are not drawn`)));
      const scroll = this.legend.scrollTop;
      this.shared = shared(data.series.map((series) => series.name));
      const need = room(data.series, this.shared);
      this.legend.className = ["legend", ...BOUNDS.filter((bound) => need > bound).map((bound) => `over-${bound}`)].join(" ");
      this.legend.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, body)));
      this.legend.scrollTop = scroll;
    }

    toggle(series, index) {
      return el("button", {
        type: "button", class: "series", "data-at": index, "aria-pressed": String(this.shown[index]), title: `Show ${series.name} alone, or all again; with Ctrl or Shift: show or hide it`,
        onclick: (event) => this.pick(index, event.ctrlKey || event.metaKey || event.shiftKey),
      }, stroke(this.looks[index], 18), el("span", {}, el("bdi", {}, series.name.slice(this.shared))));
    }

    // As in Grafana: a click shows one series alone and a second one all; with a key held it is one that comes or goes.
    pick(index, single) {
      const alone = this.shown.every((on, at) => on === (at === index));
      if (single) this.show((at) => (at === index ? !this.shown[at] : this.shown[at]));
      else this.show(alone ? () => true : (at) => at === index);
      this.legend.querySelectorAll(".series").forEach((button) => button.setAttribute("aria-pressed", String(this.shown[Number(button.dataset.at)])));
      this.graph.updateOptions({ visibility: this.shown });
      this.overlay();
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
        .map(({ series, index, value }) => el("div", {}, stroke(this.looks[index], 14), el("span", { class: "name" }, series.name),
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

  // As given; where some are out of sight, the highest first.
  function order(all) {
    const places = all.map((_, index) => index);
    if (all.length <= SEEN) return places;
    const peaks = all.map((series) => series.values.reduce((most, value) => (value === null ? most : Math.max(most, value)), -Infinity));
    return places.sort((a, b) => (peaks[a] === peaks[b] ? a - b : peaks[b] - peaks[a]));
  }

  // The length of the words that all names begin with, such as the one machine's: they would take the room of what tells apart.
  function shared(names) {
    if (names.length < 2) return 0;
    let same = 0;
    while (names.every((name) => same < name.length && name[same] === names[0][same])) same += 1;
    const end = names[0].lastIndexOf(" ", same - 1) + 1;
    return names.every((name) => name.length > end) ? end : 0;
  }

  // About the width that names and all figures want, without asking the browser to lay them out.
  function room(all, shared) {
    const longest = (texts) => Math.max(0, ...texts.map((text) => text.length));
    const figures = all.length ? all[0].calcs.map((_, at) => longest(all.map((series) => series.calcs[at])) * 7 + 12) : [];
    return 26 + Math.min(24, Math.max(9, longest(all.map((series) => series.name)) - shared)) * 7 + figures.reduce((sum, one) => sum + one, 0);
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

  WF.Chart = Chart;
})((window.WF = window.WF || {}));
