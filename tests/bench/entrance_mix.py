"""What TLS and the password at the entrance cost the API as it is used: the design's mix, its tenth of questions to the models.

    python -m tests.bench entrance_mix [--pairs 20]

`entrance` asks for one page that the server has at hand, the dearest case for what stands before it. Here a whole appliance runs;
wrk asks for all the API's operations by the weights of the load test (`tests/load/shapes.py`), with every question to the models
a new one, as fast as they are answered on 32 connections. Alternated pairs; exit 1 when the limit is missed.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.appliance import Appliance
from tests.bench.http import told
from tests.bench.stats import alternate, bootstrap, ratios
from tests.load import run
from tests.load.shapes import API_MIX, LoadTest, find

LEAST = 0.75  # of the direct throughput
_SECONDS, _CONNECTIONS = 2, 32
_SETTLE = 30  # seconds of asking before anything counts: models, caches and statements have been used by then
_SCRIPT = """
local before, symbols, kinds, turns = PREFIX, SYMBOLS, KINDS, TURNS
local n = FIRST * 10000000
local kept = {}
request = function()
  n = n + 1
  local kind = turns[n % #turns + 1]
  if kind ~= 'ai-analysis' then
    -- Made when it is first asked for: wrk knows no host before.
    kept[kind] = kept[kind] or wrk.format('GET', before .. '/api/' .. kind)
    return kept[kind]
  end
  local words = '{"type": "%s", "cryptoId": "%s", "text": "%d. Bitcoin rallies, though some traders fear a selloff."}'
  local body = string.format(words, kinds[n % #kinds + 1], symbols[n % #symbols + 1], n)
  return wrk.format('POST', before .. '/api/ai-analysis', nil, body)
end
done = function(s, l, r)
  io.write(string.format('F %d %d\\n', s.errors.status, s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
"""


def lua(values: list[str]) -> str:
    """A list of Lua's."""
    return "{" + ", ".join(json.dumps(value) for value in values) + "}"


def script(folder: Path, prefix: str, header: str, symbols: list[str], first: int) -> Path:
    """What wrk asks; `first` makes its questions others than those of another run."""
    models = find("ai")
    assert isinstance(models, LoadTest)
    turns = [kind for kind, weight in API_MIX.items() for _ in range(weight)]
    random.Random(1).shuffle(turns)  # noqa: S311  # an order, no secret
    made = _SCRIPT.replace("PREFIX", json.dumps(prefix)).replace("FIRST", str(first)).replace("TURNS", lua(turns))
    made = made.replace("SYMBOLS", lua(symbols)).replace("KINDS", lua(list(models.weights)))
    head = "wrk.headers['Content-Type'] = 'application/json'\n"
    head += f"wrk.headers['Authorization'] = '{header}'\n" if header else ""
    file = folder / "mix.lua"
    file.write_text(head + made, encoding="utf-8")
    return file


class Doors:
    """Both ways to the API of a running appliance; `busiest`: the most of a processor that wrk took in a run, of 1."""

    def __init__(self, appliance: Appliance, folder: Path) -> None:
        ports, self._folder, self._runs, self.busiest = appliance.site.ports, folder, 0, 0.0
        known = base64.b64encode(b"watchfloor:" + appliance.paths.entrance_password.read_bytes()).decode()
        self._symbols = list(appliance.site.stream.replay.symbols)
        self._direct = (f"http://127.0.0.1:{ports.stream}", "", "")
        self._entrance = (f"https://127.0.0.1:{ports.entrance}", "/stream", f"Basic {known}")

    def direct(self) -> float:
        """Requests a second of the server itself."""
        return self._asked(*self._direct)

    def entrance(self) -> float:
        """Requests a second by the entrance."""
        return self._asked(*self._entrance)

    def _asked(self, url: str, prefix: str, header: str) -> float:
        self._runs += 1
        file = script(self._folder, prefix, header, self._symbols, self._runs)
        words = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "-s", str(file), url]
        before, began = _processor(), time.monotonic()
        text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
        self.busiest = max(self.busiest, (_processor() - before) / (time.monotonic() - began))
        rate, failed = re.search(r"Requests/sec:\s*([\d.]+)", text), re.search(r"F (\d+) (\d+)", text)
        if not rate or not failed or int(failed[1]) or int(failed[2]):
            raise SystemExit(f"entrance_mix: answers failed:\n{text}")
        return float(rate[1])


def _processor() -> float:
    """Seconds that programs which this one has run took of a processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compared(folder: Path, pairs: int) -> bool:
    """The figure; whether its limit was kept."""
    settings = run.SETTINGS | {"entrance": {"enabled": True}, "stream": {"api": {"per_address": "999999999/minute"}}}
    with Appliance(factor=1, settings=settings) as appliance:
        run.ready(appliance)
        doors = Doors(appliance, folder)
        for _ in range(_SETTLE // (2 * _SECONDS)):
            doors.direct()
            doors.entrance()
        found = alternate(doors.entrance, doors.direct, pairs)
    rates = [bootstrap([pair[side] for pair in found]) for side in (0, 1)]
    ratio = ratios(found)
    what = f"the API's mix by the entrance: {rates[0]} requests/s, direct {rates[1]}: ratio {ratio} (at least {LEAST})"
    print(f"the generator took at most {doors.busiest:.2f} of one processor")
    return told(what, kept=ratio.median >= LEAST)


def main() -> int:
    """Measures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench entrance_mix")
    parser.add_argument("--pairs", type=int, default=20)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("entrance_mix: there is no wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="watchfloor-entrance-") as folder:
        return 0 if compared(Path(folder), options.pairs) else 1


if __name__ == "__main__":
    sys.exit(main())
