// A dashboard's page: builds the panels, asks for their data, keeps the address in step, refreshes while it is looked at.
"use strict";
(function (WF) {
  const { el } = WF.dom;
  const read = (id) => {
    const block = document.getElementById(id);
    return block ? JSON.parse(block.textContent) : null;
  };
  const AGAIN = 300; // milliseconds until a question that broke off is asked again
  const UNITS = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

  class Page {
    constructor(outline) {
      this.outline = outline;
      this.from = outline.from;
      this.to = outline.to;
      this.refresh = outline.refresh;
      this.panels = [];
      this.window = null;
      this.run = 0;
      this.off = new Set(); // events that are switched off, by name of their query
      this.happened = el("details", { class: "happened-list", hidden: !outline.events.length });
    }

    build() {
      document.getElementById("top").replaceChildren(...WF.controls.head(this));
      document.getElementById("panels").replaceChildren(...WF.controls.problems(this.outline), this.happened, ...this.outline.sections.map((one) => this.section(one)));
      const here = document.querySelector("nav [aria-current]");
      if (here && matchMedia("(max-width: 700px)").matches) here.parentNode.scrollLeft = here.offsetLeft - 40; // one line there
      if (!this.panels.length) document.getElementById("panels").append(el("p", { class: "card" }, "This dashboard has no panels."));
    }

    section(given) {
      const grid = el("div", { class: "grid", id: `row${given.id}`, hidden: given.collapsed });
      const top = Math.min(...given.panels.map((spec) => spec.y));
      const panels = given.panels.map((spec) => {
        const panel = new WF.Panel(spec, this);
        panel.root.style.setProperty("--y", spec.y - top + 1);
        panel.hidden = given.collapsed;
        return panel;
      });
      this.panels.push(...panels);
      grid.append(...panels.map((panel) => panel.root));
      if (!given.title) return el("section", { class: "section" }, grid);
      const button = el("button", { type: "button", "aria-expanded": String(!given.collapsed), "aria-controls": grid.id, onclick: () => {
        grid.hidden = !grid.hidden;
        button.setAttribute("aria-expanded", String(!grid.hidden));
        for (const panel of panels) panel.hidden = grid.hidden;
        if (!grid.hidden) this.load(panels);
      } }, given.title);
      return el("section", { class: "section" }, el("h2", {}, button), grid);
    }

    // The address with some keys changed; null removes a key.
    address(changes) {
      const query = new URLSearchParams(location.search);
      for (const [key, value] of Object.entries(changes)) {
        query.delete(key);
        for (const one of Array.isArray(value) ? value : [value]) if (one !== null) query.append(key, one);
      }
      const text = query.toString();
      return location.pathname + (text ? `?${text}` : "");
    }

    timeQuery() {
      return new URLSearchParams({ from: this.from, to: this.to, ...(this.refresh ? { refresh: this.refresh } : {}) }).toString();
    }

    choose(name, values) {
      location.assign(this.address({ [`var-${name}`]: values.length ? values : null }));
    }

    setTime(from, to) {
      this.from = String(from);
      this.to = String(to);
      history.pushState(null, "", this.address({ from: this.from, to: this.to }));
      this.timeChanged();
    }

    timeChanged() {
      if (this.rangeLabel) {
        this.rangeLabel.textContent = WF.controls.rangeText(this.from, this.to);
        this.timeInputs[0].value = this.from;
        this.timeInputs[1].value = this.to;
      }
      this.load();
    }

    zoom(from, to) {
      if (!WF.snapshot) {
        this.setTime(from, to);
        return;
      }
      const whole = from <= WF.snapshot.from && to >= WF.snapshot.to;
      this.window = whole ? null : [Math.max(from, WF.snapshot.from), Math.min(to, WF.snapshot.to)];
      for (const chart of WF.charts) chart.setWindow(this.window);
    }

    span() {
      return this.last || [Date.now() - 6 * UNITS.h, Date.now()];
    }

    shift(share) {
      const [from, to] = this.span();
      const by = Math.round((to - from) * share);
      this.setTime(Math.round(from + by), Math.round(to + by));
    }

    widen() {
      const [from, to] = this.span();
      const by = Math.round((to - from) / 2);
      this.setTime(Math.round(from - by), Math.round(to + by));
    }

    setRefresh(value) {
      this.refresh = value;
      history.replaceState(null, "", this.address({ refresh: value || "off" }));
      this.schedule();
    }

    schedule() {
      clearTimeout(this.timer);
      if (!this.refresh || WF.snapshot) return;
      const wait = Number(this.refresh.slice(0, -1)) * UNITS[this.refresh.slice(-1)];
      this.due = Date.now() + wait;
      if (!document.hidden) this.timer = setTimeout(() => this.load(), wait);
    }

    // A tab that nobody sees asks nothing; seen again, it is brought up to date at once.
    seen() {
      clearTimeout(this.timer);
      if (document.hidden || !this.refresh || WF.snapshot) return;
      this.timer = setTimeout(() => this.load(), Math.max(0, this.due - Date.now()));
    }

    async load(only) {
      const panels = (only || this.panels).filter((panel) => !panel.hidden);
      const root = document.documentElement;
      if (!only) {
        this.run += 1;
        if (this.abort) this.abort.abort();
        this.abort = new AbortController();
        this.at = Date.now();
      }
      const run = this.run;
      if (this.outline.view) this.fit();
      root.dataset.ready = "false";
      // All widths first, then all changes: one layout instead of one a panel.
      for (const panel of panels) panel.width = Math.max(50, Math.round((panel.body.clientWidth || 400) / 10) * 10);
      await Promise.all([...panels.map((panel) => this.fill(panel, run)), ...(only ? [] : [this.strip(run), this.events(run)])]);
      if (run !== this.run) return;
      if (this.outline.view) this.fit();
      root.dataset.ready = "true";
      root.dataset.loads = String(Number(root.dataset.loads || 0) + 1);
      performance.mark("watchfloor-ready");
      WF.controls.nameZone();
      if (!only) this.schedule();
    }

    async fill(panel, run) {
      if (!panel.wanted) {
        panel.other();
        return;
      }
      panel.root.classList.add("busy");
      const data = await this.data(panel);
      if (run !== this.run || data === null) return;
      if (data.from) this.last = [data.from, data.to];
      panel.show(data);
    }

    async data(panel) {
      if (WF.snapshot) return WF.answers[panel.spec.key];
      const query = this.question();
      query.set("width", panel.width);
      for (const [name, value] of Object.entries(panel.spec.scoped)) query.append(`scope-${name}`, value);
      return this.get(`/api/panel/${encodeURIComponent(this.outline.uid)}/${panel.spec.id}?${query}`);
    }

    // A panel alone takes what the window leaves.
    fit() {
      const top = document.getElementById("panels").lastElementChild.getBoundingClientRect().top + window.scrollY;
      document.documentElement.style.setProperty("--room", `${Math.floor(window.innerHeight - top - 40)}px`);
    }

    // What every question to the server holds: the time, the observer's zone, the variables.
    question() {
      const query = new URLSearchParams({ from: this.from, to: this.to, at: this.at, tzo: WF.utc ? 0 : -new Date(this.at).getTimezoneOffset() });
      for (const one of this.outline.variables) for (const value of one.selected) query.append(`var-${one.name}`, value);
      return query;
    }

    async events(run) {
      const { uid, events } = this.outline;
      if (!events.length) return;
      const given = WF.snapshot ? WF.snapshot.events : await this.get(`/api/events/${encodeURIComponent(uid)}?${this.question()}`);
      if (!given || run !== this.run) return;
      const shown = given.error ? { events: [], errors: [given.error] } : given;
      const again = () => this.happened.replaceChildren(...WF.extras.happened(shown, events, this.off, (name, on) => {
        this.off[on ? "delete" : "add"](name);
        again();
      }));
      again();
    }

    // A browser breaks off whatever is under way when its machine gains or loses a network interface, as containers come and go.
    async get(address, left = 3, signal = this.abort.signal) {
      try {
        const response = await fetch(address, { signal });
        return await response.json();
      } catch (error) {
        if (signal.aborted) return null;
        if (left > 1) {
          await new Promise((resolve) => setTimeout(resolve, AGAIN));
          return this.get(address, left - 1, signal);
        }
        return { error: `this server does not answer (${error.message}): the panels' last state is kept nowhere; is the service up?` };
      }
    }

    async strip(run) {
      const given = WF.snapshot ? WF.snapshot.status : await this.get("/api/status");
      if (!given || run !== this.run) return;
      const shown = given.error ? { state: "unknown", text: `Not known: ${given.error}`, alerts: [], inbox: "#" } : given;
      const host = document.getElementById("strip");
      host.className = shown.state;
      host.replaceChildren(...WF.controls.strip(shown, WF.snapshot ? WF.snapshot.made : this.at));
    }
  }

  function start() {
    const outline = read("outline");
    if (!outline) return;
    WF.utc = outline.utc || new URLSearchParams(location.search).get("timezone") === "utc";
    WF.snapshot = read("snapshot");
    WF.answers = read("answers");
    const page = (WF.page = new Page(outline));
    page.build();
    document.addEventListener("visibilitychange", () => page.seen());
    window.addEventListener("popstate", () => {
      const query = new URLSearchParams(location.search);
      page.from = query.get("from") || outline.from;
      page.to = query.get("to") || outline.to;
      page.timeChanged();
    });
    // Menus and charts keep the Escape that is theirs.
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && outline.view && !WF.snapshot) location.assign(page.address({ viewPanel: null }));
    });
    document.documentElement.classList.toggle("alone", Boolean(outline.view));
    page.load();
  }

  start();
})((window.WF = window.WF || {}));
