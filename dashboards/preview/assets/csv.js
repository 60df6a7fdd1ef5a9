// A panel's data as CSV (RFC 4180), raw numbers, times as ISO 8601 in UTC.
"use strict";
(function (WF) {
  const iso = (ms) => new Date(ms).toISOString();

  // A spreadsheet takes text that begins with one of these for a formula, and label values come from anywhere.
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = /^[\s]*[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }

  const grid = (data, columns) => Array.from({ length: data.count }, (_, row) => [iso(data.start + row * data.step), ...columns.map((one) => one.values[row])]);

  const TABLES = {
    timeseries: (data) => [["time", ...data.series.map((one) => one.name)], ...grid(data, data.series)],
    heatmap: (data) => [["time", ...data.rows.map((one) => one.name)], ...(data.rows.length ? grid(data, data.rows) : [])],
    stat: (data) => [["name", "value", "shown"], ...data.items.map((one) => [one.name, one.value, one.text])],
    bargauge: (data) => [["name", "value", "shown"], ...data.items.map((one) => [one.name, one.value, one.text])],
    table: (data) => [data.columns.map((one) => one.name), ...data.rows.map((row) => row.map((one) => (one.time === undefined ? (one.value === undefined ? one.text : one.value) : iso(one.time))))],
    "state-timeline": (data) => [["name", "from", "to", "state"], ...data.rows.flatMap((row) =>
      row.spans.map(([first, last, place]) => [row.name, iso(data.start + first * data.step), iso(data.start + (last + 1) * data.step), data.states[place].text]))],
  };

  function text(data) {
    const rows = TABLES[data.kind] && !data.silence && !data.error ? TABLES[data.kind](data) : [];
    return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
  }

  function save(data, title) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", text(data)], { type: "text/csv;charset=utf-8" }));
    link.download = `${title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "panel"}-${iso(data.to || Date.now()).slice(0, 16).replace(":", "")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  WF.csv = { text, save };
})((window.WF = window.WF || {}));
