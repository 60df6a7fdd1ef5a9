// A heatmap: a row for each bucket, a column for each moment, the brighter the more. The scale is Cividis, which the
// colour-blind read as others do; on a light ground it runs the other way, so that much is always far from the ground.
"use strict";
(function (WF) {
  const { el } = WF.dom;
  const STOPS = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [254, 232, 56]];
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // The colour of a share from 0 to 1.
  function hue(share) {
    const place = Math.min(1, Math.max(0, dark.matches ? share : 1 - share)) * (STOPS.length - 1);
    const below = Math.min(STOPS.length - 2, Math.floor(place));
    const mixed = STOPS[below].map((value, index) => Math.round(value + (STOPS[below + 1][index] - value) * (place - below)));
    return `rgb(${mixed.join(" ")})`;
  }

  class Heatmap extends WF.Sheet {
    // From the top: the highest bucket.
    names() {
      return this.data.rows.map((row) => WF.units.short(row.top)).reverse();
    }

    // A cell ends at its moment: it tells of what was observed before.
    rowOf(x) {
      return Math.ceil((x - this.data.start) / this.data.step);
    }

    paint(pen) {
      const { rows, most, step, start, exponent } = this.data;
      const [first, last] = this.visible();
      const high = this.place.h / rows.length;
      const wide = Math.max(1, (this.place.w * step) / (this.range()[1] - this.range()[0]));
      const gap = high > 6 && wide > 3 ? 1 : 0;
      pen.save();
      pen.beginPath();
      pen.rect(this.place.x, this.place.y, this.place.w, this.place.h);
      pen.clip();
      rows.forEach((row, index) => {
        const y = this.place.y + this.place.h - (index + 1) * high;
        for (let column = first; column <= last + 1 && column < row.values.length; column += 1) {
          if (!row.values[column]) continue;
          pen.fillStyle = hue((row.values[column] / most) ** exponent);
          pen.fillRect(this.xOf(start + (column - 1) * step), y, wide - gap, high - gap);
        }
      });
      pen.restore();
      const every = Math.max(1, Math.ceil(15 / high));
      rows.forEach((row, index) => {
        // A bucket's bound is the upper edge of its row.
        if ((rows.length - 1 - index) % every === 0) this.label(pen, WF.units.short(row.top), Math.max(8, this.place.y + this.place.h - (index + 1) * high));
      });
    }

    tipLines(row, event) {
      const { rows, unit } = this.data;
      const pointed = event && event.row !== null ? rows.length - 1 - event.row : -1;
      return rows.map((one, index) => ({ one, index, value: one.values[row] })).filter(({ value, index }) => value || index === pointed).reverse()
        .map(({ one, index, value }) => {
          const box = el("i", { class: "swatch" });
          box.style.background = value ? hue((value / this.data.most) ** this.data.exponent) : "transparent";
          const text = value === null ? "no sample" : WF.units.write(value || 0, unit);
          return el("div", { class: index === pointed ? "pointed" : null }, box, el("span", { class: "name" }, one.name), el("b", {}, text));
        });
    }

    drawLegend() {
      const scale = el("span", { class: "scale", "aria-hidden": "true" });
      const shades = Array.from({ length: 9 }, (_, index) => hue((index / 8) ** this.data.exponent));
      scale.style.background = `linear-gradient(to right, ${shades.join(", ")})`;
      this.legend.replaceChildren(el("div", { class: "key" }, el("span", {}, "0"), scale, el("span", {}, WF.units.write(this.data.most, this.data.unit))));
    }
  }

  WF.Heatmap = Heatmap;
})((window.WF = window.WF || {}));
