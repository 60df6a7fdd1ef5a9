// A state timeline: a band for each series, in the word, the colour and the height of its state.
"use strict";
(function (WF) {
  const { el, state, moment } = WF.dom;
  const { token } = WF.plane;
  const INK = "#16191f"; // on every state's hue at least 4.5 : 1, but on the dark blue of `info`
  const SHARE = { ok: 0.5, unknown: 0.5, critical: 0.9, warning: 0.9 }; // state is told by height too

  const MOST_WORDS = 10;

  class Timeline extends WF.Sheet {
    names() {
      return this.data.rows.map((row) => row.name);
    }

    // A state holds until the next sample.
    rowOf(x) {
      return Math.floor((x - this.data.start) / this.data.step);
    }

    paint(pen) {
      const { rows } = this.data;
      const high = this.place.h / rows.length;
      const every = Math.max(1, Math.ceil(13 / high));
      rows.forEach((row, index) => {
        const middle = this.place.y + (index + 0.5) * high;
        if (index % every === 0) this.label(pen, row.name, middle);
        pen.save();
        pen.beginPath();
        pen.rect(this.place.x, this.place.y, this.place.w, this.place.h);
        pen.clip();
        for (const [first, last, place] of row.spans) this.bar(pen, this.data.states[place], [this.at(first), this.at(last + 1)], middle, high);
        pen.restore();
      });
    }

    bar(pen, given, [from, to], middle, high) {
      const left = Math.max(this.place.x, this.xOf(from));
      const right = Math.min(this.place.x + this.place.w, this.xOf(Math.min(to, this.data.to)));
      if (right < this.place.x || left > this.place.x + this.place.w) return;
      const wide = Math.max(2, right - left);
      const tall = Math.max(2, high * (SHARE[given.state] || 0.8));
      pen.fillStyle = hueOf(given);
      pen.fillRect(left, middle - tall / 2, wide, tall);
      if (high < 18 || wide < 24) return;
      pen.fillStyle = given.state === "info" ? "#ffffff" : given.state || given.color ? INK : token("--text");
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      if (pen.measureText(given.text).width + 8 <= wide && tall >= 13) pen.fillText(given.text, left + 4, middle + 0.5);
    }

    tipLines(row, event) {
      const { rows, states } = this.data;
      const pointed = event ? event.row : null;
      const order = rows.map((_, index) => index).sort((a, b) => (b === pointed) - (a === pointed));
      return order.flatMap((index) => {
        const span = rows[index].spans.find(([first, last]) => first <= row && row <= last);
        if (!span) return index === pointed ? [el("div", { class: "pointed" }, el("span", { class: "name" }, rows[index].name), el("b", {}, "no sample"))] : [];
        const line = el("div", { class: index === pointed ? "pointed" : null }, el("span", { class: "name" }, rows[index].name), word(states[span[2]]));
        if (index !== pointed) return [line];
        const [from, to] = [this.at(span[0]), Math.min(this.at(span[1] + 1), this.data.to)];
        return [line, el("div", { class: "muted" }, `${moment(from).slice(11)} to ${moment(to).slice(11)}, ${WF.units.write((to - from) / 1000, "s")}`)];
      });
    }

    drawLegend() {
      const more = this.data.more ? [el("span", { class: "muted" }, `and ${this.data.more} more series that are not drawn`)] : [];
      const rest = this.data.states.length > MOST_WORDS ? [el("span", { class: "muted" }, `and ${this.data.states.length - MOST_WORDS} more states`)] : [];
      this.legend.replaceChildren(el("div", { class: "key" }, this.data.states.slice(0, MOST_WORDS).map(word), rest, more));
    }
  }

  const hueOf = (given) => (given.state ? token(`--${given.state}`) : given.color || token("--raised"));

  function word(given) {
    if (given.state || !given.color) return state(given.state || "unknown", given.text);
    const box = el("i", { class: "swatch" });
    box.style.background = given.color;
    return el("span", { class: "word" }, box, given.text);
  }

  WF.Timeline = Timeline;
})((window.WF = window.WF || {}));
