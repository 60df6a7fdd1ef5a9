"""A fan-out server with socketify (uWebSockets), for a Python that has it: `python socketify_peer.py PORT`; else as python.py."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

SIZE = 200


def _message() -> str:
    message = {"at": f"{time.monotonic_ns():019d}", "pad": ""}
    message["pad"] = " " * (SIZE - len(json.dumps(message)))
    return json.dumps(message)


def main(port: int) -> None:
    """Serves until stdin ends."""
    from socketify import App, OpCode  # type: ignore[import-not-found]  # noqa: PLC0415  # installed only for the comparison

    app: Any = App()
    app.ws("/ws", {"open": lambda ws: ws.subscribe("all"), "idle_timeout": 0, "compression": 0})

    def burst(count: int) -> None:
        for _ in range(count):
            app.publish("all", _message(), OpCode.TEXT)

    def read() -> None:
        for line in sys.stdin:
            app.loop.run_async(_later(burst, int(line)))
        app.close()

    async def _later(what: Any, count: int) -> None:
        what(count)

    def listening(_: Any) -> None:
        print("listening", flush=True)
        threading.Thread(target=read, daemon=True).start()

    app.listen({"host": "127.0.0.1", "port": port}, listening)
    app.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
