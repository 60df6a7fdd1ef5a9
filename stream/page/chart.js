// A small line of the last minutes, as SVG: no axis, its extremes stand in its label.

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 240, HEIGHT = 48, MOST = 180;

export class Chart {
  constructor(name, show) {
    this.name = name;
    this.show = show;
    this.points = [];
    this.element = document.createElementNS(NAMESPACE, "svg");
    this.element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("role", "img");
    this.line = this.element.appendChild(document.createElementNS(NAMESPACE, "polyline"));
  }

  /** One value at a time (ms); at most one point a second is kept, the latest of it. */
  add(time, value) {
    if (!Number.isFinite(value)) return;
    const last = this.points.at(-1);
    if (last && time - last.time < 1000) last.value = value;
    else this.points.push({ time, value });
    if (this.points.length > MOST) this.points.shift();
  }

  draw() {
    const values = this.points.map(({ value }) => value);
    if (!values.length) return;
    const low = Math.min(...values), high = Math.max(...values), first = this.points[0].time;
    const span = Math.max(this.points.at(-1).time - first, 1), range = high - low || 1;
    const place = ({ time, value }) => [((time - first) / span) * WIDTH, 2 + (1 - (value - low) / range) * (HEIGHT - 4)];
    const places = this.points.length > 1 ? this.points.map(place) : [[0, HEIGHT / 2], [WIDTH, HEIGHT / 2]];
    this.line.setAttribute("points", places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "));
    const label = `${this.name}, last ${Math.round(span / 1000)} s: from ${this.show(low)} to ${this.show(high)}`;
    this.element.setAttribute("aria-label", label);
  }
}
