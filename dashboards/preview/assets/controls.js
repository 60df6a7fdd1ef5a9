// The head of the page: which dashboard, which variables, which time, how often. All of it stands in the address.
"use strict";
(function (WF) {
  const { el, state, moment, since, zone } = WF.dom;
  const RANGES = [["now-5m", "Last 5 minutes"], ["now-15m", "Last 15 minutes"], ["now-30m", "Last 30 minutes"], ["now-1h", "Last hour"],
    ["now-3h", "Last 3 hours"], ["now-6h", "Last 6 hours"], ["now-12h", "Last 12 hours"], ["now-24h", "Last 24 hours"], ["now-2d", "Last 2 days"],
    ["now-7d", "Last 7 days"], ["now-30d", "Last 30 days"], ["now/d", "Today so far"]];

  function rangeText(from, to) {
    const known = to === "now" && RANGES.find((one) => one[0] === from);
    if (known) return known[1];
    const text = (value) => (/^\d{11,}$/.test(value) ? moment(Number(value)) : value);
    return `${text(from)} to ${text(to)}`;
  }

  function head(page) {
    const { outline } = page;
    const places = outline.dashboards.map(([uid, title]) => el("a", { href: WF.snapshot ? null : `/d/${encodeURIComponent(uid)}?${page.timeQuery()}`, "aria-current": uid === outline.uid ? "page" : null }, title));
    const brand = el("a", { class: "brand", href: WF.snapshot ? null : "/dashboards", title: "All dashboards" }, "Watchfloor");
    const first = el("div", { class: "bar first" }, brand, el("h1", {}, outline.title),
      WF.snapshot ? null : el("nav", { "aria-label": "Dashboards" }, places), outline.links.map(([text, url]) => el("a", { href: url }, text)));
    if (WF.snapshot) return [first, el("div", { class: "bar" }, el("span", {}, madeText()),
      Object.entries(WF.snapshot.variables).map(([name, value]) => el("span", {}, `${name}: ${value}`)), zoneText())];
    const second = el("form", { class: "bar controls", onsubmit: (event) => event.preventDefault() },
      outline.variables.filter((one) => !one.hidden).map((one) => variable(one, page)), el("span", { class: "gap" }), ...time(page), refresh(page), WF.extras.share(page));
    return [first, second];
  }

  function madeText() {
    const { made, source, from, to } = WF.snapshot;
    return `Snapshot of ${moment(made)}: data from ${moment(from)} to ${moment(to)}, asked of ${source}`;
  }

  // The zone's name is put in when the panels stand: loading the browser's calendar takes a tenth of a second.
  const zoned = (text) => [el("span", { class: "hide" }, "times in "), text];
  const zoneText = () => el("span", { class: "muted zone", title: "The zone of all times" }, zoned("this browser's zone"));
  function nameZone() {
    for (const one of document.querySelectorAll(".zone")) one.replaceChildren(...zoned(zone(Date.now())));
  }

  function variable(one, page) {
    const id = `var-${one.name}`;
    const options = [...(one.all ? [["$__all", "All"]] : []), ...one.options];
    for (const value of one.selected) if (!options.some((option) => option[0] === value)) options.push([value, value]);
    const label = el("label", { for: id, title: one.description || null }, one.label);
    if (one.type === "textbox") {
      return el("span", { class: "field" }, label, el("input", { id, value: one.selected[0] || "", onchange: (event) => page.choose(one.name, [event.target.value]) }));
    }
    if (one.multi) return el("span", { class: "field" }, label, several(one, options, id, page));
    const select = el("select", { id, onchange: (event) => page.choose(one.name, [event.target.value]) },
      options.map(([value, text]) => el("option", { value, selected: one.selected.includes(value) }, text)));
    return el("span", { class: "field" }, label, select);
  }

  function several(one, options, id, page) {
    const boxes = options.map(([value, text]) => el("label", {}, el("input", { type: "checkbox", value, checked: one.selected.includes(value) }), ` ${text}`));
    const menu = el("details", { class: "menu", id }, el("summary", { "aria-label": one.label }, one.selected.map((value) => (value === "$__all" ? "All" : value)).join(" + ") || "none"),
      el("div", { class: "card sheet" }, boxes, el("button", { type: "button", onclick: () => page.choose(one.name, picked()) }, "Apply")));
    const all = boxes.map((box) => box.querySelector("input")).find((input) => input.value === "$__all");
    menu.addEventListener("change", (event) => {
      if (all && event.target !== all && event.target.checked) all.checked = false;
      if (all && event.target === all && all.checked) menu.querySelectorAll("input").forEach((input) => { input.checked = input === all; });
    });
    const picked = () => [...menu.querySelectorAll("input:checked")].map((input) => input.value);
    return closing(menu);
  }

  // A menu closes on Escape and when something else is used.
  function closing(menu) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      event.stopPropagation();
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    return menu;
  }

  function time(page) {
    const from = el("input", { id: "from", value: page.from, autocomplete: "off", spellcheck: "false" });
    const to = el("input", { id: "to", value: page.to, autocomplete: "off", spellcheck: "false" });
    const apply = () => { location.assign(page.address({ from: from.value, to: to.value })); };
    const enter = (event) => { if (event.key === "Enter") apply(); };
    from.addEventListener("keydown", enter);
    to.addEventListener("keydown", enter);
    const presets = RANGES.map(([value, text]) => el("button", { type: "button", onclick: () => { menu.open = false; page.setTime(value, "now"); } }, text));
    page.rangeLabel = el("summary", { "aria-label": "Time range" }, rangeText(page.from, page.to));
    page.timeInputs = [from, to];
    const menu = closing(el("details", { class: "menu time" }, page.rangeLabel, el("div", { class: "card sheet" }, el("div", { class: "presets" }, presets),
      el("label", { for: "from" }, "From"), from, el("label", { for: "to" }, "To"), to,
      el("p", { class: "muted" }, "now-6h, now/d, epoch milliseconds, 2026-01-31T12:00"), el("button", { type: "button", onclick: apply }, "Apply"))));
    const step = (text, title, how) => el("button", { type: "button", class: "step", title, "aria-label": title, onclick: how }, text);
    return [el("span", { class: "group" }, step("‹", "Earlier", () => page.shift(-0.5)), menu, step("›", "Later", () => page.shift(0.5)),
      step("−", "Zoom out", () => page.widen())), zoneText()];
  }

  function refresh(page) {
    const options = [["", "off"], ...page.outline.refreshes.map((one) => [one, one])];
    return el("span", { class: "group" }, el("button", { type: "button", onclick: () => page.load() }, "Refresh"),
      el("label", { for: "refresh", class: "hide" }, "Refresh every"),
      el("select", { id: "refresh", title: "Refresh every", onchange: (event) => page.setRefresh(event.target.value) },
        options.map(([value, text]) => el("option", { value, selected: value === page.refresh }, text === "off" ? "no refresh" : `every ${text}`))));
  }

  // Is it fine? The strip above the panels.
  function strip(given, at) {
    const more = given.alerts.length - 5;
    const alerts = given.alerts.slice(0, 5).map((one) => el("li", {}, state(["critical", "warning", "info"].includes(one.severity) ? one.severity : "unknown", one.severity || "alert"),
      el("b", {}, one.title), one.instance ? el("span", { class: "mono" }, one.instance) : null, one.summary ? el("span", {}, one.summary) : null,
      one.since === null ? null : el("time", { class: "muted", title: moment(one.since) }, `since ${since(one.since, at)}`),
      one.runbook ? el("a", { href: one.runbook }, "Runbook") : null));
    if (more > 0) alerts.push(el("li", { class: "muted" }, `and ${more} more in the inbox`));
    return [el("div", { class: "verdict" }, state(given.state, given.text), el("a", { href: given.inbox }, "On-call inbox"),
      el("span", { class: "muted" }, `as of ${moment(at)}`)), alerts.length ? el("ul", {}, alerts) : null].filter(Boolean);
  }

  function problems(outline) {
    const told = outline.problems.map((text) => el("li", {}, text));
    const broken = outline.broken.map((one) => el("li", {}, el("code", {}, one.file), ` ${one.why}`));
    return told.length + broken.length === 0 ? [] : [el("ul", { class: "problems card" }, told, broken)];
  }

  WF.controls = { head, strip, problems, rangeText, nameZone, closing };
})((window.WF = window.WF || {}));
