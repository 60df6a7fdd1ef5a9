// The value axis of a chart: round marks in its unit; its thresholds as lines under the curves, and their words over them.
"use strict";
(function (WF) {
  const { el } = WF.dom;
  const { token } = WF.plane;
  const { write, short, isBinary, isTime } = WF.units;
  const APART = 24; // px from mark to mark at least
  const LONG = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 7776000, 31536000]; // seconds
  const HIGH = 16; // px of a threshold's words

  // The least round step that is not below `least`: of minutes and hours for times, of powers of two for bytes.
  function step(least, unit) {
    const second = isTime(unit);
    const long = second === undefined || least * second <= 30 ? undefined : LONG.find((one) => one >= least * second);
    if (long !== undefined) return long / second;
    if (isBinary(unit) && least > 1) return 2 ** Math.ceil(Math.log2(least));
    const power = 10 ** Math.floor(Math.log10(least));
    return power * [1, 2, 5, 10].find((one) => one * power >= least * 0.999999);
  }

  // Labels of all marks with as many digits as tell them apart: 99.85 % beside 99.9 %.
  function labelled(values, label) {
    for (let digits = null; ; digits = digits === null ? 1 : digits + 1) {
      const texts = values.map((value) => label(value, digits));
      if (new Set(texts).size === texts.length || digits === 6) return values.map((v, place) => ({ v, label: texts[place] }));
    }
  }

  function marks(unit, label) {
    return (low, high, pixels) => {
      const wanted = step((high - low) / Math.max(2, Math.floor(pixels / APART)), unit);
      const by = unit === "short" && high >= 1 ? Math.max(1, wanted) : wanted; // nobody counts half a connection
      const found = [];
      for (let place = Math.ceil(low / by); place * by <= high && found.length < 50; place += 1) {
        found.push(Number((place * by).toPrecision(12)));
      }
      return labelled(found, label);
    };
  }

  function options({ unit, decimals, log }, range, now) {
    // Dygraphs puts labels in as HTML, so a unit of the dashboard must not be able to hold any.
    const label = (value, digits = decimals) => short(write(Number(Number(value).toPrecision(12)), unit, digits === null ? decimals : digits, now)).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
    return { axisLabelFormatter: (value) => label(value), valueRange: range, axisLabelWidth: 72, pixelsPerLabel: APART, drawAxis: true, ...(log ? {} : { ticker: marks(unit, label) }) };
  }

  function thresholds(canvas, area, graph, given) {
    const bands = given.style.includes("area");
    const steps = [{ value: -Infinity, state: given.base }, ...given.steps];
    canvas.save();
    canvas.beginPath();
    canvas.rect(area.x, area.y, area.w, area.h);
    canvas.clip();
    steps.forEach((one, index) => {
      const hue = one.color || (one.state && token(`--${one.state}`));
      if (!hue || !Number.isFinite(one.value)) return;
      const y = graph.toDomYCoord(one.value);
      if (bands) {
        const next = steps[index + 1];
        const top = next ? graph.toDomYCoord(next.value) : area.y;
        canvas.globalAlpha = 0.12;
        canvas.fillStyle = hue;
        canvas.fillRect(area.x, Math.min(y, top), area.w, Math.abs(y - top));
      }
      if (lined(given)) line(canvas, area, y, hue, one.state === "critical");
    });
    canvas.restore();
  }

  const lined = (given) => given.style !== "off" && given.style !== "area";

  function line(canvas, area, y, hue, whole) {
    canvas.globalAlpha = 1;
    canvas.strokeStyle = hue;
    canvas.lineWidth = 1.5;
    canvas.setLineDash(whole ? [] : [6, 4]);
    canvas.beginPath();
    canvas.moveTo(area.x, y);
    canvas.lineTo(area.x + area.w, y);
    canvas.stroke();
    canvas.setLineDash([]);
  }

  // The words stand on their line, at the right; where two would touch, the second at the left, and a third nowhere.
  function words(graph, given, wide) {
    const area = graph.getArea();
    const sides = { right: [], left: [] };
    return (lined(given) ? given.steps : []).flatMap((one) => {
      const y = graph.toDomYCoord(one.value);
      if (!(one.color || one.state) || y < area.y - 1 || y > area.y + area.h + 1) return [];
      const top = Math.min(Math.max(y - HIGH / 2, area.y), area.y + area.h - HIGH);
      const side = ["right", "left"].find((name) => sides[name].every((other) => Math.abs(other - top) > HIGH));
      if (!side) return [];
      sides[side].push(top);
      const made = el("span", { class: "limit" }, `${one.state || "threshold"} ${one.text}`);
      made.style.top = `${top}px`;
      made.style[side] = `${side === "left" ? area.x + 4 : wide - area.x - area.w + 4}px`;
      return [made];
    });
  }

  WF.axis = { options, thresholds, words };
})((window.WF = window.WF || {}));
