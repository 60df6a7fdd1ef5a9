#!/usr/bin/python3
"""Stands where Grafana would: proves that its files can be read in its container by its user, and nothing of Grafana itself."""

import configparser
import contextlib
import http.server
import json
import os
import pathlib
import re
import sqlite3
import sys

config = next(word.partition("=")[2] for word in sys.argv if word.startswith("--config="))
ini = configparser.ConfigParser(interpolation=None)
ini.read_string(pathlib.Path(config).read_text(encoding="utf-8"))
for section in ini.sections():
    for value in ini[section].values():
        if named := re.fullmatch(r"\$__file\{(.+)\}", value):
            assert pathlib.Path(named[1]).read_text(encoding="utf-8"), value
provisioning = pathlib.Path(ini["paths"]["provisioning"])
assert (provisioning / "datasources" / "watchfloor.yml").read_text(encoding="utf-8")
dashboards = re.search(r"path: (\S+)", (provisioning / "dashboards" / "watchfloor.yml").read_text(encoding="utf-8"))
assert dashboards
found = [json.loads(path.read_text(encoding="utf-8")) for path in pathlib.Path(dashboards[1]).glob("*.json")]
assert found, "no dashboards"
assert os.environ["WATCHFLOOR_ALERTMANAGER_PASSWORD"]
with contextlib.closing(sqlite3.connect(pathlib.Path(ini["paths"]["data"]) / "grafana.db")) as database:
    database.execute("CREATE TABLE IF NOT EXISTS started (at)")
    database.execute("INSERT INTO started VALUES (unixepoch())")
    database.commit()


class Handler(http.server.BaseHTTPRequestHandler):
    """Health and a metric."""

    def do_GET(self) -> None:
        """Answers every path."""
        body = b"# TYPE grafana_standin gauge\ngrafana_standin 1\n" if self.path == "/metrics" else b'{"database": "ok"}\n'
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


server = ini["server"]
http.server.ThreadingHTTPServer((server["http_addr"], int(server["http_port"])), Handler).serve_forever()
