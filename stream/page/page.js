// The page for people: live prices, on-chain indicators and sentiment, and how well the connection does.

import { connect } from "../client.js";
import { Chart } from "./chart.js";
import { dollars, duration, percent, price, short, units, words } from "./format.js";

// What a card shows at its head, by room; the rest of its fields stands in its folded part.
const ROOMS = {
  "market-data": { head: "price", show: price, change: "change_24h" },
  "onchain-data": { head: "mvrv", show: short },
  "sentiment-data": { head: "fear_greed_index", show: short },
};
const SHOWN = {
  price, vwap: price, open: price, high: price, low: price, close: price, ma50: price, ma200: price,
  macd: price, signal: price, histogram: price, change: percent, change_24h: percent, market_cap: dollars, volume: units, volume_24h: units,
  exchange_inflow: units, exchange_outflow: units, netflow: units, bar_seconds: (value) => `${value} s`,
};
const LABELS = {
  vwap: "VWAP", rsi: "RSI", ma50: "Mean of 50", ma200: "Mean of 200", macd: "MACD", mvrv: "MVRV", nupl: "NUPL", sopr: "SOPR",
  change_24h: "Change, 24 h", volume_24h: "Volume, 24 h", histogram: "MACD histogram", signal: "MACD signal",
  bar_seconds: "Bar",
};
const HIDDEN = new Set(["symbol", "time"]);
const STALE = 30000; // ms

const find = (id) => document.getElementById(id);
const make = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
const cards = new Map();
const dirty = new Set();
let token = "", delay = NaN;

class Card {
  constructor(room, symbol) {
    Object.assign(this, { room, symbol, data: {}, time: NaN });
    const { head, show } = ROOMS[room];
    this.element = make("details", "card quote");
    this.element.dataset.symbol = symbol;
    const summary = this.element.appendChild(make("summary"));
    this.value = make("span", "value", "–");
    this.change = make("span", "change");
    this.age = make("span", "age");
    this.chart = new Chart(`${symbol} ${LABELS[head] ?? words(head)}`, show);
    summary.append(make("span", "name", symbol), this.value, this.change, this.age, this.chart.element);
    this.list = this.element.appendChild(make("dl"));
    this.element.addEventListener("toggle", () => this.draw());
  }

  take(data, time) {
    Object.assign(this.data, data);
    this.time = time;
    this.chart.add(time, Number(data[ROOMS[this.room].head]));
    dirty.add(this);
  }

  draw() {
    const { head, show, change } = ROOMS[this.room];
    this.value.textContent = show(this.data[head]);
    this.change.textContent = change ? `${percent(this.data[change])} in 24 h` : (LABELS[head] ?? words(head));
    this.chart.draw();
    if (this.element.open) this.list.replaceChildren(...this.rows());
  }

  rows() {
    return Object.entries(this.data).filter(([name, value]) => !HIDDEN.has(name) && (value === null || typeof value !== "object")).flatMap(([name, value]) => {
      const shown = value === null ? "–" : (SHOWN[name] ?? short)(value, this.symbol);
      return [make("dt", "", LABELS[name] ?? words(name)), make("dd", "", shown === "–" && typeof value === "string" ? value : shown)];
    });
  }

  grow(now) {
    const age = now - this.time;
    this.age.textContent = age > STALE ? `stale: ${duration(age)} old` : "";
    this.age.title = Number.isFinite(this.time) ? new Date(this.time).toLocaleString() : "";
  }
}

function card(room, symbol) {
  const key = `${room} ${symbol}`;
  if (!cards.has(key)) {
    const made = new Card(room, symbol), place = find(room);
    if (place.dataset.state !== "live") place.replaceChildren();
    place.dataset.state = "live";
    cards.set(key, made);
    place.insertBefore(made.element, [...place.children].find(({ dataset }) => dataset.symbol > symbol) ?? null);
  }
  return cards.get(key);
}

function note(text) {
  const item = make("li", "", `${new Date().toLocaleTimeString()} ${text}`);
  find("events").prepend(item);
  while (find("events").children.length > 50) find("events").lastChild.remove();
}

function trouble(text) {
  find("trouble").hidden = !text;
  find("trouble").textContent = text;
}

const STATES = { connecting: "info", open: "ok", waiting: "warning", closed: "critical" };

function onState({ name, delay: wait, code, reason }) {
  const state = find("state"), why = [code, reason].filter(Boolean).join(" ");
  state.className = `state ${STATES[name]}`;
  state.textContent = { connecting: "connecting", open: "live", waiting: "disconnected, trying again", closed: "closed" }[name];
  document.documentElement.dataset.connection = name;
  note(name === "waiting" ? `lost (${why}); again in ${duration(wait)}` : `${state.textContent} ${why}`.trim());
  if (name === "connecting") trouble("");
  if (name === "closed" && code !== 1000) trouble(`The server closed the connection (${why}). Sign in below or reload the page to try again.`);
  if (name === "open") discover();
  if (name === "open") find("who").textContent = stream.scopes ? `Signed in; scopes: ${stream.scopes.join(" ") || "none"}.` : "Anonymous.";
}

async function discover() {
  const { rooms } = await fetch("api/rooms").then((answer) => answer.json()).catch(() => ({ rooms: [] }));
  if (!rooms?.length) return; // what is told stays; the next connection asks again
  const replayed = rooms.filter(({ room, replay }) => ROOMS[room] && replay);
  const live = rooms.some(({ room, replay }) => ROOMS[room] && !replay);
  find("origin").hidden = !replayed.length;
  find("origin").textContent = live
    ? `replay, not a live market: ${replayed.map(({ room }) => room).join(", ")}` : "replay, not a live market";
  find("origin").title = [...new Set(replayed.map(({ source }) => source).filter(Boolean))].join("; ");
}

function handlers(room) {
  return {
    initial: (list) => list.forEach((data) => card(room, data.symbol).take(data, data.time ?? Date.now() + stream.offset)),
    data(data, message) {
      card(room, data.symbol).take(data, message.sourceTime);
      delay = Math.max(0, Date.now() + stream.offset - message.sourceTime); // clocks agree to a few ms only
    },
    gap: ({ from, to, reason }) => note(`${room}: ${from} to ${to} missing (${reason})`),
    error: ({ code, message }) => {
      note(`${room}: ${code}`);
      if (find(room).dataset.state !== "live") find(room).replaceChildren(make("p", "muted", message));
    },
  };
}

function start() {
  const url = new URL("ws", location.href); // beside the page, which may stand behind a path
  url.protocol = url.protocol.replace("http", "ws");
  stream = connect({
    url: url.href, token: token || null, onState,
    onError: ({ code, message }) => { note(code); trouble(message); },
  });
  for (const room of Object.keys(ROOMS)) stream.subscribe(room, null, handlers(room)); // asked for when the connection stands
  globalThis.stream = stream; // for the console, and for tests
}

let stream = null, counted = 0, marked = performance.now();
document.documentElement.dataset.connection = "none";
find("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
start();

find("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  token = find("token").value.trim();
  find("token").value = "";
  stream.close();
  counted = 0;
  start();
});

setInterval(() => {
  for (const shown of dirty) shown.draw();
  dirty.clear();
}, 250);

setInterval(() => {
  const now = performance.now();
  find("rate").textContent = `${short(Math.max(0, stream.received - counted) / ((now - marked) / 1000))}/s`;
  [counted, marked] = [stream.received, now];
  find("latency").textContent = stream.latency === null ? "–" : duration(stream.latency);
  find("delay").textContent = duration(delay);
  for (const shown of cards.values()) shown.grow(Date.now() + stream.offset);
}, 1000);
