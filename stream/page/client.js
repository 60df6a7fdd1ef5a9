// The stream's client for browsers, and for any runtime with WebSocket: subscribes, detects loss, resumes by itself.
//
//   import { connect } from "https://stream.example/client.js";
//   const stream = connect({ url: "wss://stream.example/ws", onState: (state) => console.log(state) });
//   stream.subscribe("market-data", { symbols: ["BTC"] }, {
//     initial(list) {},        // the latest data of each symbol, at first and whenever the thread was lost
//     data(data, message) {},  // one update; `message` has seq, sourceTime and timestamp
//     gap(gap) {},             // {from, to, reason}: these numbers never come
//     error(error) {},         // {code, message}
//   });
//
// Options: url; token (a text, or a function that gives or promises one: asked before each connection); onState({name, …}) with
// the names connecting, open, waiting (`delay` ms, `code`, `reason`), closed (`code`, `reason`); onError({code, message}).

export const PROTOCOL = 1;
// After these close codes the same client would only be closed again. The list is the server's (stream/codes.py).
const FINAL = new Set([1002, 1003, 1007, 1008, 1009, 4400, 4401, 4410, 4429]);
const UNAUTHORIZED = 4401;
const FIRST_DELAY = 500, LONGEST_DELAY = 30000; // ms before a new attempt; doubled each time, jittered
const CONNECT_TIME = 10000; // ms

export function connect(options = {}) {
  return new Stream(options);
}

/** Where this page's own stream answers. */
export function ownUrl(place = globalThis.location) {
  return `${place.protocol === "https:" ? "wss:" : "ws:"}//${place.host}/ws`;
}

class Subscription {
  constructor(stream, room, filters, handlers) {
    Object.assign(this, { stream, room, filters, handlers });
    this.epoch = null;
    this.last = -1; // the greatest seq that was handed out, or that initial data included
    this.known = -1; // up to here the server has told of everything: sent, or named in a gap
    this.replays = 0; // missed messages that are still to come
    this.repairing = false;
  }

  request() {
    const message = { type: "subscribe", room: this.room };
    if (this.filters) message.filters = this.filters;
    if (this.epoch !== null && this.last >= 0) Object.assign(message, { after: this.last, epoch: this.epoch });
    return message;
  }

  close() {
    this.stream._leave(this);
  }

  _call(name, ...values) {
    try {
      this.handlers[name]?.(...values);
    } catch (error) {
      queueMicrotask(() => { throw error; }); // a handler's mistake is reported, and does not break the thread
    }
  }

  _subscription({ epoch, seq, resumed }) {
    this.repairing = false;
    this.replays = resumed || 0;
    this.latest = seq;
    if (epoch === this.epoch && this.last >= 0 && !this.replays) this.last = this.known = Math.max(this.last, seq);
  }

  "_initial-data"({ epoch, seq, data }) {
    Object.assign(this, { epoch, last: seq, known: seq, replays: 0, repairing: false });
    this._call("initial", data);
  }

  _gap(message) {
    if (message.reason === "epoch") this.epoch = null; // initial data follows, in a numbering of its own
    this.known = Math.max(this.known, message.to);
    this._call("gap", { from: message.from, to: message.to, reason: message.reason });
  }

  _data(message) {
    if (this.repairing) return; // it comes again, in its place
    if (message.epoch === this.epoch && message.seq <= this.last) return; // it was handed out before
    if (message.epoch !== this.epoch || message.prev > Math.max(this.last, this.known)) {
      this.repairing = true;
      this.stream.repaired += 1;
      this.stream._send(this.request());
      return;
    }
    this.last = message.seq;
    if (this.replays > 0 && --this.replays === 0) this.known = Math.max(this.known, this.latest);
    this._call("data", message.data, message);
  }
}

class Stream {
  constructor({ url = ownUrl(), token = null, onState = () => {}, onError = () => {}, silence = 20000 }) {
    Object.assign(this, { url, token, onState, onError, silence });
    this.subscriptions = new Map();
    this.received = 0; // messages, for measuring
    this.repaired = 0; // losses that were noticed here and asked for again
    this.latency = null; // ms to the server and back
    this.offset = 0; // ms by which the server's clock is ahead of ours
    this._best = Infinity;
    this._attempt = 0;
    this._waiting = new Map(); // pings and lists that wait for their answer
    this._ended = false;
    this._online = () => this._retryNow();
    globalThis.addEventListener?.("online", this._online);
    this._open();
  }

  /** Wants a room's messages; one subscription a room. Returns an object with close(). */
  subscribe(room, filters = null, handlers = {}) {
    if (this.subscriptions.has(room)) throw new Error(`there is a subscription to ${room}: close it first`);
    const subscription = new Subscription(this, room, filters, handlers);
    this.subscriptions.set(room, subscription);
    if (this._ready) this._send(subscription.request());
    return subscription;
  }

  /** The milliseconds to the server and back. */
  ping() {
    const id = this._nextId = (this._nextId || 0) + 1, began = Date.now(), mark = performance.now();
    return this._ask(`ping ${id}`, { type: "ping", id }).then((pong) => {
      this.latency = performance.now() - mark;
      if (this.latency <= this._best) { // the quickest way tells the clocks' difference best; it may be long ago
        this.offset = pong.timestamp - (began + this.latency / 2);
        this._best = this.latency;
      } else this._best *= 1.1;
      return this.latency;
    });
  }

  /** What there is to subscribe to: {rooms, formats, protocol}. */
  list() {
    return this._ask("rooms", { type: "list" });
  }

  /** Ends it for good. */
  close(code = 1000, reason = "") {
    this._end();
    this._socket?.close(code, reason);
    this._state("closed", { code, reason });
  }

  _end() {
    this._ended = true;
    this._ready = false;
    clearTimeout(this._timer);
    clearInterval(this._beat);
    globalThis.removeEventListener?.("online", this._online);
    this._refuse(new Error("the connection has ended"));
  }

  _ask(key, message) {
    return new Promise((resolve, reject) => {
      if (!this._ready) return reject(new Error("not connected"));
      const earlier = this._waiting.get(key);
      this._waiting.set(key, { resolve: (value) => { earlier?.resolve(value); resolve(value); }, reject });
      this._send(message);
    });
  }

  _answer(key, value) {
    this._waiting.get(key)?.resolve(value);
    this._waiting.delete(key);
  }

  _refuse(error) {
    for (const { reject } of this._waiting.values()) reject(error);
    this._waiting.clear();
  }

  _state(name, more = {}) {
    this.state = name;
    this.onState({ name, ...more });
  }

  _send(message) {
    if (this._socket?.readyState === WebSocket.OPEN) this._socket.send(JSON.stringify(message));
  }

  _leave(subscription) {
    if (this.subscriptions.get(subscription.room) !== subscription) return;
    this.subscriptions.delete(subscription.room);
    this._send({ type: "unsubscribe", room: subscription.room });
  }

  async _open() {
    this._state("connecting");
    let token = null;
    try {
      token = typeof this.token === "function" ? await this.token() : this.token;
    } catch (error) {
      return this._later(UNAUTHORIZED, String(error));
    }
    if (this._ended) return;
    let socket;
    try {
      socket = this._socket = new WebSocket(this.url);
    } catch (error) {
      this._end();
      return this._state("closed", { code: 0, reason: String(error) });
    }
    const abandon = () => { socket.onclose = socket.onmessage = null; socket.close(); this._closed(1006, "no answer"); };
    this._deadline = setTimeout(abandon, CONNECT_TIME);
    socket.onmessage = ({ data }) => this._message(data, token);
    socket.onclose = ({ code, reason }) => this._closed(code, reason);
    this._heard = this._asked = performance.now();
    this._beat = setInterval(() => {
      const now = performance.now(), answered = this._heard >= this._asked;
      if (!answered && now - this._asked > this.silence) return abandon();
      if (!this._ready) return;
      if (answered) this._asked = now; // a browser may call this once a minute only: silence counts from the question
      this.ping().catch(() => {});
    }, this.silence / 4);
  }

  _message(text, token) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // no message of this protocol
    }
    this._heard = performance.now();
    this.received += 1;
    switch (message.type) {
      case "connection":
        clearTimeout(this._deadline);
        this.clientId = message.clientId;
        if (message.protocol !== PROTOCOL) return this._mismatch(message.protocol);
        return token ? this._send({ type: "auth", token }) : this._begin();
      case "auth":
        this.scopes = message.scopes;
        return this._begin();
      case "pong":
        return this._answer(`ping ${message.id}`, message);
      case "rooms":
        return this._answer("rooms", message);
      case "error":
        return this._failed(message, token);
      case "subscription": case "initial-data": case "gap": case "data":
        return this.subscriptions.get(message.room)?.[`_${message.type}`](message);
    }
  }

  _begin() {
    this._ready = true;
    for (const subscription of this.subscriptions.values()) {
      subscription.repairing = false;
      this._send(subscription.request());
    }
    this._state("open");
    this.ping().catch(() => {});
    this._settled = setTimeout(() => { this._attempt = 0; }, 5000);
  }

  _failed({ code, message, room }, token) {
    const subscription = room && this.subscriptions.get(room);
    if (subscription) subscription._call("error", { code, message, room });
    else this.onError({ code, message });
    if (!this._ready && token && code.includes("token")) this._begin(); // what is open to all still works
  }

  _mismatch(protocol) {
    this._end();
    this._socket.close(1000);
    this._state("closed", { code: 1000, reason: `the server speaks protocol ${protocol}, this client ${PROTOCOL}` });
  }

  _closed(code, reason) {
    clearInterval(this._beat);
    clearTimeout(this._deadline);
    clearTimeout(this._settled);
    this._ready = false;
    this._refuse(new Error("the connection was lost"));
    if (this._ended) return;
    const renewable = code === UNAUTHORIZED && typeof this.token === "function";
    if (FINAL.has(code) && !renewable) {
      this._end();
      return this._state("closed", { code, reason });
    }
    this._later(code, reason);
  }

  _later(code, reason) {
    if (this._ended) return;
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this._attempt++);
    const delay = longest * (0.5 + Math.random() / 2);
    this._timer = setTimeout(() => this._open(), delay);
    this._state("waiting", { delay, code, reason });
  }

  _retryNow() {
    if (this.state !== "waiting") return;
    clearTimeout(this._timer);
    this._open();
  }
}
