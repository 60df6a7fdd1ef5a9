// Events on every time axis: alerts that fired, deploys, whatever the dashboard's annotation queries find.
"use strict";
(function (WF) {
  const { el, moment, state } = WF.dom;
  const NEAR = 6; // px
  const MOST_NEAR = 4;
  const MOST_LINES = 12; // above that their lines would hide the curves; the bars at the foot stay
  const RANK = { critical: 2, warning: 1 };
  let events = [];

  // The events of the page's window, each {name, state, color, from, to, title, text}; times in ms, `to` may equal `from`.
  function put(found) {
    events = found;
    for (const plane of WF.charts) draw(plane);
  }

  function draw(plane) {
    if (!plane.data || plane.area() === null) return;
    const [from, to] = plane.range();
    const area = plane.area();
    const inside = events.filter((one) => one.to >= from && one.from <= to).sort((a, b) => (RANK[a.state] || 0) - (RANK[b.state] || 0)); // the worst on top
    const made = inside.map((one) => {
      const left = Math.max(area.x, plane.xOf(one.from));
      const right = Math.min(area.x + area.w, plane.xOf(one.to));
      const mark = el("span", { class: `event ${one.state || "plain"}${one.from <= from ? " cut" : ""}` });
      mark.style.left = `${left}px`;
      mark.style.width = `${Math.max(0, right - left)}px`;
      if (!one.state && one.color) mark.style.setProperty("--event", one.color);
      return mark;
    });
    plane.marks.classList.toggle("many", inside.filter((one) => one.from > from).length > MOST_LINES);
    plane.marks.replaceChildren(...made);
  }

  // Lines for the tip of a moment: what happened there.
  function near(plane, x) {
    const [one, two] = [plane.timeOf(plane.xOf(x) - NEAR), plane.timeOf(plane.xOf(x) + NEAR)];
    const found = events.filter((event) => event.to >= one && event.from <= two);
    const lines = found.slice(0, MOST_NEAR).map((event) => el("div", { class: "happened" }, state(event.state || "info", event.title), el("span", { class: "name" }, event.text),
      el("time", {}, event.to > event.from ? `${moment(event.from).slice(11)} to ${moment(event.to).slice(11)}` : moment(event.from).slice(11))));
    if (found.length > MOST_NEAR) lines.push(el("div", { class: "muted" }, `and ${found.length - MOST_NEAR} more events`));
    return lines;
  }

  WF.marks = { put, draw, near, all: () => events };
})((window.WF = window.WF || {}));
