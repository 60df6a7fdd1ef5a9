// A fan-out server with Node's `ws`: `node node_ws.js PORT`; a line "K" on stdin: K messages to every client.
"use strict";
const { WebSocketServer, WebSocket } = require("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false, backlog: 4096 });
server.on("listening", () => console.log("listening"));
function message() {
  const text = JSON.stringify({ at: process.hrtime.bigint().toString().padStart(19, "0"), pad: "" });
  return Buffer.from(text.slice(0, -2) + " ".repeat(200 - text.length) + '"}');
}
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  for (let i = 0; i < Number(line); i++) {
    const data = message();
    for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send(data, { binary: false });
  }
}).on("close", () => process.exit(0));
