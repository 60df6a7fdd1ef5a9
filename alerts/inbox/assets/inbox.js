// Keeps the board up to date without losing what a person types, opens or has the focus on. The page works without it.
"use strict";

const board = document.getElementById("board");
const POLL = 10000;
const REFRESH = 60000; // silences made elsewhere are not announced
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
let connected = true;
let lastAnswer = Date.now();
let running = false;
let again = false;

function age(seconds) {
  for (const [unit, name] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= unit) return `${Math.floor(seconds / unit)} ${name}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

function left(seconds) {
  if (seconds >= 86400) return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return age(seconds);
}

function local(date) {
  const two = (value) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Times are the observer's: ages go on, clocks are in his zone.
function tellTimes() {
  for (const node of document.querySelectorAll("time[datetime]")) {
    const date = new Date(node.dateTime);
    const passed = (Date.now() - date.getTime()) / 1000;
    node.title = `${local(date)} ${zone}`;
    if (node.dataset.show === "clock") setText(node, local(date));
    else setText(node, node.dataset.show === "left" ? left(-passed) : age(passed));
  }
}

function tellLink() {
  const state = document.getElementById("link-state");
  const since = local(new Date(lastAnswer)).slice(11);
  setText(state, connected ? `Live · times in ${zone}` : `No answer since ${since}: what you see is old`);
}

function keyed(root, attribute) {
  const found = new Map();
  for (const node of root.querySelectorAll(`[${attribute}]`)) found.set(node.getAttribute(attribute), node);
  return found;
}

// A form that somebody is in, has begun to fill in, or that says what went wrong, stays as it is.
function touched(node) {
  return node.contains(document.activeElement) || node.querySelector("output:not(:empty)") || typed(node);
}

function typed(node) {
  return [...node.querySelectorAll("input:not([type=hidden]), textarea, select")].some((field) =>
    field.matches("select") ? [...field.options].some((one) => one.selected !== one.defaultSelected) : field.value !== field.defaultValue);
}

// The alert of a form that is being filled in is gone or has moved on: the text stays until its author decides.
function orphan(form) {
  const said = document.createElement("p");
  said.textContent = "This alert has changed meanwhile. What you typed is kept here:";
  const discard = document.createElement("button");
  discard.type = "button";
  discard.textContent = "Discard";
  const holder = document.createElement("section");
  holder.className = "card";
  holder.dataset.key = `orphan-${form.dataset.keep}`;
  discard.addEventListener("click", () => { form.reset(); holder.remove(); });
  holder.append(said, form, discard);
  return holder;
}

function keep(fresh) {
  const now = keyed(fresh, "data-keep");
  for (const [key, node] of keyed(board, "data-keep")) {
    if (node.id !== "link-state" && !touched(node)) continue;
    if (now.has(key)) now.get(key).replaceWith(node);
    else if (typed(node)) fresh.querySelector("main").prepend(orphan(node));
  }
  const details = keyed(fresh, "data-key");
  for (const node of board.querySelectorAll("details[data-key][open]")) details.get(node.dataset.key)?.setAttribute("open", "");
}

function replaceBoard(fresh) {
  const active = document.activeElement;
  const home = active && active !== document.body && board.contains(active) ? active : null;
  const path = home && describe(home);
  const selection = home && "selectionStart" in home ? [home.selectionStart, home.selectionEnd] : null;
  const scroll = window.scrollY;
  keep(fresh);
  board.replaceChildren(...fresh.childNodes);
  if (home) {
    const target = home.isConnected ? home : find(path);
    target?.focus({ preventScroll: true });
    if (target === home && selection && selection[0] !== null) home.setSelectionRange(...selection);
  }
  window.scrollTo(window.scrollX, scroll);
}

// Where the focus is, in words that hold for the next rendering too: the nearest key, and the how-manieth control in it.
const CONTROLS = "a, button, input, select, textarea, summary";
function describe(node) {
  const holder = node.closest("[data-key]");
  return holder && { key: holder.dataset.key, index: [...holder.querySelectorAll(CONTROLS)].indexOf(node) };
}
function find(path) {
  const holder = path && keyed(board, "data-key").get(path.key);
  return holder ? holder.querySelectorAll(CONTROLS)[path.index] : null;
}

async function refresh() {
  if (running) { again = true; return; }
  running = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    lastAnswer = Date.now();
    connected = true;
    const fresh = page.getElementById("board");
    if (fresh.innerHTML !== last) {
      last = fresh.innerHTML;
      replaceBoard(fresh);
      document.title = page.title;
    }
  } catch {
    connected = false;
  }
  tellTimes();
  tellLink();
  running = false;
  if (again) { again = false; setTimeout(refresh, 1000); }
}
let last = board.innerHTML;

async function send(form) {
  const said = form.querySelector("output");
  const buttons = form.querySelectorAll("button");
  said.textContent = "";
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" },
    });
    if (answer.ok) {
      const holder = form.closest("[data-key^=incident], [data-key^=silence]")?.dataset.key;
      remember(form);
      form.reset();
      form.closest("details")?.removeAttribute("open");
      document.activeElement?.blur();
      await refresh();
      find({ key: holder, index: 0 })?.focus({ preventScroll: true });
    } else {
      const problem = await answer.json().catch(() => ({}));
      said.textContent = `Not done: ${problem.detail || `status ${answer.status}`}`;
    }
  } catch {
    said.textContent = "Not done: the inbox does not answer.";
  }
  buttons.forEach((button) => { button.disabled = false; });
}

// A name that was given once stands in all forms at once.
function remember(form) {
  const name = form.querySelector("input[name=by]")?.value;
  if (!name) return;
  for (const field of document.querySelectorAll("input[name=by]")) field.defaultValue = name;
}

board.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target);
});

let polling = null;
function poll(on) {
  if (on && !polling) polling = setInterval(refresh, POLL);
  if (!on && polling) { clearInterval(polling); polling = null; }
}

function listen() {
  if (!window.EventSource) { poll(true); return; }
  const stream = new EventSource(board.dataset.live);
  stream.addEventListener("change", refresh);
  stream.addEventListener("open", () => poll(false));
  stream.addEventListener("error", () => {
    poll(true);
    refresh();
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, POLL);
  });
}

tellTimes();
tellLink();
listen();
setInterval(() => { tellTimes(); tellLink(); }, 1000);
setInterval(refresh, REFRESH);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
