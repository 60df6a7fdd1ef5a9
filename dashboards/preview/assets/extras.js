// Beside the panels: a link that shows others the same, and the list of what happened in the window.
"use strict";
(function (WF) {
  const { el, state, moment } = WF.dom;

  // The link holds the times as they are now and every variable's value, so that it shows the same tomorrow.
  function link(page) {
    const [from, to] = page.span();
    const query = new URLSearchParams({ from: Math.round(from), to: Math.round(to) });
    for (const one of page.outline.variables) if (!one.hidden) for (const value of one.selected) query.append(`var-${one.name}`, value);
    if (page.outline.view) query.set("viewPanel", page.outline.view);
    for (const [key, value] of new URLSearchParams(location.search)) if (key === "timezone") query.set(key, value);
    query.set("refresh", "off");
    return `${location.origin}${location.pathname}?${query}`;
  }

  function share(page) {
    const field = el("input", { readonly: true, id: "link", "aria-label": "Link to this view", spellcheck: "false" });
    const told = el("p", { class: "muted", role: "status" }, "Absolute times, every variable. It shows the same tomorrow.");
    const copy = el("button", { type: "button", onclick: async () => {
      field.select();
      told.textContent = (await copied(field.value)) ? "Copied." : "Not copied: the browser forbids it. Press Ctrl+C.";
    } }, "Copy");
    const menu = el("details", { class: "menu share" }, el("summary", {}, "Share"), el("div", { class: "card sheet" }, el("label", { for: "link" }, "Link to this view"), field, copy, told));
    menu.addEventListener("toggle", () => {
      if (!menu.open) return;
      field.value = link(page);
      field.focus();
      field.select();
    });
    return WF.controls.closing(menu);
  }

  // Without TLS only localhost has a clipboard; the older way still copies a selection.
  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return document.execCommand("copy");
    }
  }

  // What happened, newest first, with a switch for each query of the dashboard.
  function happened(given, names, off, change) {
    const shown = given.events.filter((one) => !off.has(one.name));
    WF.marks.put(shown);
    const boxes = names.map((name) => el("label", {}, el("input", { type: "checkbox", checked: !off.has(name), onchange: (event) => change(name, event.target.checked) }), ` ${name}`));
    const rows = [...shown].reverse().map((one) => el("tr", {}, el("td", {}, el("time", {}, moment(one.from))),
      el("td", {}, one.to > one.from ? WF.units.write((one.to - one.from) / 1000, "s") : ""), el("td", {}, state(one.state || "info", one.title)), el("td", {}, one.text), el("td", { class: "muted" }, one.name)));
    const head = el("tr", {}, ["From", "Lasted", "What", "Detail", "Kind"].map((text) => el("th", { scope: "col" }, text)));
    const table = rows.length ? el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Events" }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows))) : el("p", { class: "muted" }, "Nothing happened in this window.");
    const count = shown.length + (given.more || 0);
    const errors = (given.errors || []).map((text) => el("p", {}, state("critical", text)));
    return [el("summary", {}, errors.length ? "Events: not all are known" : `${count || "No"} ${count === 1 ? "event" : "events"} in this window`), el("div", { class: "switches" }, boxes), ...errors, table];
  }

  WF.extras = { share, happened, link };
})((window.WF = window.WF || {}));
