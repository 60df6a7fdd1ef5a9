"""A fan-out server with socketify (uWebSockets), for a Python that has it: `python socketify_peer.py PORT`; else as python.py."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any

SIZE = 200


def _message() -> str:
    message = {"at": f"{time.monotonic_ns():019d}", "pad": ""}
    message["pad"] = " " * (SIZE - len(json.dumps(message)))
    return json.dumps(message)


def main(port: int) -> None:
    """Serves until stdin ends. On libuv's loop alone: socketify's own `run()` polls without rest, and would be charged for it."""
    from socketify import App, OpCode  # type: ignore[import-not-found]  # noqa: PLC0415  # installed only for the comparison

    app: Any = App()
    app.ws("/ws", {"open": lambda ws: ws.subscribe("all"), "idle_timeout": 0, "compression": 0})
    app.listen({"host": "127.0.0.1", "port": port}, lambda _: print("listening", flush=True))
    wanted: SimpleQueue[str] = SimpleQueue()

    def look(_: Any) -> None:
        while not wanted.empty():
            for _number in range(int(wanted.get())):
                app.publish("all", _message(), OpCode.TEXT)

    def read() -> None:
        for line in sys.stdin:
            wanted.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    timer = app.loop.uv_loop.create_timer(1, 1, look, None)  # each millisecond: libuv's loop reads no Python streams
    while timer:
        app.loop.uv_loop.run_once()


if __name__ == "__main__":
    main(int(sys.argv[1]))
