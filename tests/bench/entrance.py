"""What TLS and the password at the entrance cost the API: its throughput and its median beside the server asked directly.

    python -m tests.bench entrance [--pairs 20]

The server runs as in production, with a Redis and a PostgreSQL of its own; nginx by the rendered configuration. For throughput
wrk asks as fast as it can, all three wherever the kernel puts them; for the median it asks one question after the other on one
connection. Alternated pairs; a line a figure with its verdict; exit 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import base64
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compose import entrance
from compose.host import Host
from compose.secrets import make_secrets
from compose.service import Context
from settings import Paths, Site, parse
from tests.bench.http import told
from tests.bench.http_servers import PATH, SETTLED, server
from tests.bench.stats import alternate, bootstrap, ratios
from tests.compose.nginx import listens
from tests.stream.cache.servers import SECRET
from tests.waiting import free_ports, until

LEAST, MOST = 0.75, 0.001  # of the direct throughput; seconds of the median above the direct one
_SECONDS, _CONNECTIONS = 1, 32


@dataclass(frozen=True)
class Door:
    """An address to ask the API by, and the header that opens it."""

    url: str
    header: str = ""


def asked(folder: Path, door: Door, connections: int) -> tuple[float, float]:
    """Requests a second and the median in seconds, by wrk. Raises SystemExit for answers that failed."""
    script = folder / "median.lua"
    done = "done = function(s, l, r) io.write(string.format('P %d\\n', l:percentile(50))) end"
    header = f"wrk.headers['Authorization'] = '{door.header}'\n" if door.header else ""
    script.write_text(header + done, encoding="utf-8")
    words = ["wrk", "-t1", f"-c{connections}", f"-d{_SECONDS}s", "-s", str(script), door.url]
    text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    rate, median = re.search(r"Requests/sec:\s*([\d.]+)", text), re.search(r"P (\d+)", text)
    if "Non-2xx" in text or "Socket errors" in text or not rate or not median:
        raise SystemExit(f"entrance: answers failed:\n{text}")
    return float(rate[1]), int(median[1]) / 1e6


@contextmanager
def front(folder: Path, stream: int) -> Iterator[Door]:
    """The entrance before the server of that port."""
    (port,) = free_ports(1)
    site = parse(f"{{ports: {{stream: {stream}, entrance: {port}}}, entrance: {{enabled: true}}}}")
    paths = _prepared(folder / "entrance", site)
    known = base64.b64encode(b"watchfloor:" + paths.entrance_password.read_bytes()).decode()
    with subprocess.Popen(entrance.command(Context(site, paths, Path("python"))), stderr=subprocess.DEVNULL) as process:
        try:
            until("nginx listens", lambda: listens(port), SETTLED)
            yield Door(f"https://127.0.0.1:{port}/stream{PATH}", f"Basic {known}")
        finally:
            process.terminate()


def _prepared(folder: Path, site: Site) -> Paths:
    paths, host = Paths(folder), Host(folder, None, copied=False)
    (paths.data / "entrance").mkdir(parents=True)
    paths.rendered.mkdir()
    make_secrets(paths, host)
    paths.edge_secret.write_text(SECRET, encoding="ascii")  # the server's own, by which it believes the entrance
    entrance.prepare(site, paths, host)
    (paths.rendered / entrance.FILE).write_text(entrance.configuration(site, paths), encoding="utf-8")
    return paths


def compared(folder: Path, pairs: int) -> bool:
    """Both figures; whether their limits were kept."""
    with server(folder, None) as port, front(folder, port) as door:
        direct = Door(f"http://127.0.0.1:{port}{PATH}")
        for one in (direct, door):  # a first round that does not count
            asked(folder, one, _CONNECTIONS)
        fast = alternate(lambda: asked(folder, door, _CONNECTIONS), lambda: asked(folder, direct, _CONNECTIONS), pairs)
        calm = alternate(lambda: asked(folder, door, 1), lambda: asked(folder, direct, 1), pairs)
    ratio = ratios([(ours[0], theirs[0]) for ours, theirs in fast])
    rates = [bootstrap([pair[side][0] for pair in fast]) for side in (0, 1)]
    medians = [bootstrap([pair[side][1] for pair in calm]) for side in (0, 1)]
    more = bootstrap([ours[1] - theirs[1] for ours, theirs in calm])
    kept = [
        told(
            f"throughput by the entrance: {rates[0]} requests/s, direct {rates[1]}: ratio {ratio} (at least {LEAST})",
            kept=ratio.median >= LEAST,
        ),
        told(
            f"median by the entrance: {medians[0]} s, direct {medians[1]}: {more} s more (at most {MOST})",
            kept=more.median <= MOST,
        ),
    ]
    return all(kept)


def main() -> int:
    """Measures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench entrance")
    parser.add_argument("--pairs", type=int, default=20)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("entrance: there is no wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="watchfloor-entrance-") as folder:
        return 0 if compared(Path(folder), options.pairs) else 1


if __name__ == "__main__":
    sys.exit(main())
