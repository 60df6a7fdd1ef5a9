// A canvas with a row for each name and a time axis: the ground of heatmaps and state timelines.
"use strict";
(function (WF) {
  const { mark } = WF.dom;
  const { token, hover } = WF.plane;
  const STEPS = [1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
  const FOOT = 20; // px under the rows, for times
  const FONT = "12px system-ui, sans-serif";

  class Sheet extends WF.Plane {
    constructor(host, onZoom) {
      super(host, onZoom);
      this.canvas = document.createElement("canvas");
      this.plot.append(this.canvas);
      this.plot.addEventListener("mousedown", (event) => WF.drag(this, event));
      this.plot.addEventListener("dblclick", () => WF.zoomOut(this));
      this.plot.addEventListener("mousemove", (event) => this.pointed(event));
      this.plot.addEventListener("mouseleave", () => hover(null));
    }

    draw(data, title) {
      this.data = data;
      this.name(title);
      this.drawLegend();
      this.redraw();
    }

    setWindow(window) {
      this.window = window;
      if (this.data) this.redraw();
    }

    resized() {
      if (this.data && this.drawnAt !== this.size()) this.redraw();
    }

    redraw() {
      this.drawnAt = this.size();
      const [wide, high] = [this.plot.clientWidth, this.plot.clientHeight];
      if (!wide || !high) return;
      const ratio = window.devicePixelRatio || 1;
      this.canvas.width = Math.round(wide * ratio);
      this.canvas.height = Math.round(high * ratio);
      this.canvas.style.width = `${wide}px`;
      this.canvas.style.height = `${high}px`;
      const pen = this.canvas.getContext("2d");
      pen.scale(ratio, ratio);
      pen.font = FONT;
      this.place = { x: this.gutter(pen, wide), y: 2, h: high - FOOT - 4 };
      this.place.w = wide - this.place.x - 8;
      this.times(pen);
      this.paint(pen);
      WF.marks.draw(this);
    }

    // Names need room, but never more than two fifths of it, or half on a phone.
    gutter(pen, wide) {
      const longest = Math.max(0, ...this.names().map((name) => pen.measureText(name).width));
      return Math.min(Math.max(72, Math.ceil(longest) + 10), Math.round(wide * (wide < 400 ? 0.48 : 0.4)));
    }

    area() {
      return this.place || null;
    }

    xOf(ms) {
      const [from, to] = this.range();
      return this.place.x + ((ms - from) / (to - from)) * this.place.w;
    }

    timeOf(px) {
      const [from, to] = this.range();
      return from + ((px - this.place.x) / this.place.w) * (to - from);
    }

    // The row of names under a height in px; the first one is on top.
    rowAt(y) {
      const count = this.names().length;
      const index = Math.floor(((y - this.place.y) / this.place.h) * count);
      return index >= 0 && index < count ? index : null;
    }

    pointed(event) {
      if (!this.place || event.buttons) return;
      const box = this.frame.getBoundingClientRect();
      const x = event.clientX - box.left;
      const inside = x >= this.place.x && x <= this.place.x + this.place.w;
      hover(inside ? this.timeOf(x) : null, this, { row: this.rowAt(event.clientY - box.top) });
    }

    times(pen) {
      const [from, to] = this.range();
      const least = (to - from) / Math.max(1, this.place.w / 64) / 1000;
      const step = (STEPS.find((one) => one >= least) || STEPS[STEPS.length - 1]) * 1000;
      const zone = WF.utc ? 0 : new Date(from).getTimezoneOffset() * 60e3;
      pen.fillStyle = token("--muted");
      pen.strokeStyle = token("--line");
      pen.lineWidth = 1;
      pen.textAlign = "center";
      pen.textBaseline = "alphabetic";
      const bottom = this.place.y + this.place.h;
      for (let time = Math.ceil((from - zone) / step) * step + zone; time <= to; time += step) {
        const x = Math.round(this.xOf(time)) + 0.5;
        pen.beginPath();
        pen.moveTo(x, bottom);
        pen.lineTo(x, bottom + 4);
        pen.stroke();
        const half = pen.measureText(mark(time, step)).width / 2;
        if (x > this.place.x + 16 && x + half < this.place.x + this.place.w + 6) pen.fillText(mark(time, step), x, bottom + 17);
      }
      pen.strokeRect(this.place.x + 0.5, this.place.y + 0.5, this.place.w, this.place.h);
    }

    // A name at the left, cut where it is longer than its room.
    label(pen, name, y) {
      pen.fillStyle = token("--muted");
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      pen.fillText(cut(pen, name, this.place.x - 8), this.place.x - 6, y);
    }
  }

  function cut(pen, text, room) {
    if (pen.measureText(text).width <= room) return text;
    let [low, high] = [0, text.length];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (pen.measureText(`…${text.slice(text.length - middle)}`).width <= room) low = middle;
      else high = middle - 1;
    }
    return `…${text.slice(text.length - low)}`; // the end tells names apart: they begin with the machine
  }

  WF.Sheet = Sheet;
  WF.cut = cut;
})((window.WF = window.WF || {}));
