// Elements and times. Text is always text: nothing here reads HTML.
"use strict";
(function (WF) {
  const SVG = "http://www.w3.org/2000/svg";
  const WORDS = { ok: "OK", warning: "Warning", critical: "Critical", info: "Info", unknown: "Unknown" };

  // An element with attributes, listeners (`onclick` and such are functions) and children (elements or text).
  function el(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }

  function svg(name, attributes = {}, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // A state: its shape, and always a word beside it.
  function state(kind, text = WORDS[kind]) {
    return el("span", { class: `state ${kind}` }, text || "");
  }

  const two = (value) => String(value).padStart(2, "0");

  function parts(ms) {
    const date = new Date(ms);
    return WF.utc
      ? [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
      : [date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  }

  function moment(ms) {
    const [year, month, day, hour, minute, second] = parts(ms);
    return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`;
  }

  // A time on an axis: as much of it as the distance between two marks needs.
  function mark(ms, apart) {
    const [, month, day, hour, minute, second] = parts(ms);
    if (apart >= 86400e3 || (hour === 0 && minute === 0 && second === 0)) return `${two(month)}-${two(day)}`;
    return `${two(hour)}:${two(minute)}` + (apart < 60e3 ? `:${two(second)}` : "");
  }

  function since(ms, now) {
    return WF.units.write(ms, "dateTimeFromNow", null, now / 1000);
  }

  function zone(at) {
    if (WF.utc) return "UTC";
    const minutes = -new Date(at).getTimezoneOffset();
    const sign = minutes < 0 ? "−" : "+";
    const offset = `UTC${minutes === 0 ? "" : sign + Math.floor(Math.abs(minutes) / 60)}${minutes % 60 ? ":" + two(Math.abs(minutes) % 60) : ""}`;
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return !name || name === "UTC" ? offset : `${name} (${offset})`;
  }

  WF.dom = { el, svg, state, moment, mark, since, zone, WORDS };
})((window.WF = window.WF || {}));
