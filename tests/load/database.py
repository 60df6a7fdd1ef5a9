"""The database's test: pgbench with weighted scripts, fifty connections that ask again when they were answered.

Its currencies are its own (`load-0` …), so that nothing of the appliance's is touched.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from compose.postgres import installed
from stream.store.connect import conninfo
from tests.load.place import Place
from tests.load.recorder import Recorder
from tests.load.shapes import LoadTest

CURRENCIES, PRICES, ANALYSES = 20, 100_000, 100_000
# What is random is an integer to pgbench and nothing yet to a prepared statement: each place says what it is.
_PICK = "\\set n random(0, 19)\n\\set second random(0, 4990)\n"
_WHOSE = "'load-' || :n::text"
_SINCE = "to_timestamp(:origin::float8) + :second::int * interval '1 s'"
SCRIPTS = {
    "select": f"""SELECT price, volume_24h, timestamp FROM price_history
    WHERE crypto_id = {_WHOSE} AND timestamp >= {_SINCE} ORDER BY timestamp LIMIT 10;""",
    "insert": f"INSERT INTO price_history (crypto_id, price, volume_24h) VALUES ({_WHOSE}, 60000 + :second::int, 1000);",
    "update": f"UPDATE cryptocurrencies SET updated_at = now() WHERE id = {_WHOSE};",
    "delete": f"DELETE FROM analysis_history WHERE crypto_id = {_WHOSE} AND timestamp = {_SINCE};",
    "join": f"""SELECT c.symbol, p.price FROM cryptocurrencies c JOIN price_history p ON p.crypto_id = c.id
    WHERE c.id = {_WHOSE} AND p.timestamp >= {_SINCE} ORDER BY p.timestamp LIMIT 10;""",
}
_FILL = (
    """INSERT INTO cryptocurrencies (id, symbol, name)
    SELECT 'load-' || i, 'LOAD' || i, 'Load ' || i FROM generate_series(0, 19) i ON CONFLICT DO NOTHING""",
    "DELETE FROM analysis_history WHERE crypto_id LIKE 'load-%%'",
    """INSERT INTO price_history (crypto_id, price, volume_24h, timestamp)
    SELECT 'load-' || i %% 20, 60000 + i %% 977, 1000, to_timestamp(%(origin)s) + i / 20 * interval '1 s'
    FROM generate_series(0, %(prices)s - 1) i""",
    """INSERT INTO analysis_history (crypto_id, analysis_type, signal, confidence, timestamp)
    SELECT 'load-' || i %% 20, 'load', 'hold', 0.5, to_timestamp(%(origin)s + i / 20)
    FROM generate_series(0, %(analyses)s - 1) i""",
)


def fill(place: Place, origin: int) -> None:
    """Rows to ask for: prices a second apart from `origin` (Unix time) on, and analyses to delete."""
    with psycopg.connect(conninfo(place.site, place.paths), autocommit=True, options="-c statement_timeout=0") as connection:
        for statement in _FILL:
            connection.execute(statement.encode(), {"origin": origin, "prices": PRICES, "analyses": ANALYSES})
        connection.execute("ANALYZE price_history, analysis_history, cryptocurrencies")


async def run(test: LoadTest, place: Place, recorder: Recorder) -> None:
    """Fills, then lets pgbench ask."""
    origin = int(recorder.began) - PRICES // CURRENCIES - 60
    await asyncio.to_thread(fill, place, origin)
    recorder.restart()
    recorder.paced.offered = test.users
    with tempfile.TemporaryDirectory(prefix="watchfloor-load-") as folder:
        process = await _start(test, place, Path(folder), origin)
        try:
            recorder.paced.sent = test.users
            told = await _follow(process, recorder)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
            _read(Path(folder), list(test.weights), recorder)
    if process.returncode != 0:
        recorder.failure("pgbench ended")
        recorder.notes.append(f"pgbench ended by {process.returncode}: {told[-300:]}")


async def _start(test: LoadTest, place: Place, folder: Path, origin: int) -> asyncio.subprocess.Process:
    programs = installed()
    words = [
        str(programs[max(programs)] / "pgbench"),
        "-n",
        "-M",
        "prepared",
        "-P",
        "1",
        "-l",
        "--log-prefix",
        str(folder / "log"),
    ]
    words += ["-c", str(test.users), "-j", "2", "-T", str(max(1, round(test.seconds))), "-D", f"origin={origin}"]
    for kind, weight in test.weights.items():
        script = folder / f"{kind}.sql"
        script.write_text(f"{_PICK}{SCRIPTS[kind]}\n", encoding="utf-8")
        words += ["-f", f"{script}@{weight}"]
    where = psycopg.conninfo.conninfo_to_dict(conninfo(place.site, place.paths))
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE", "password": "PGPASSWORD"}
    environment = {variable: str(where[name]) for name, variable in names.items() if name in where}
    return await asyncio.create_subprocess_exec(
        *words, env={"PATH": "/usr/bin:/bin"} | environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )


async def _follow(process: asyncio.subprocess.Process, recorder: Recorder) -> str:
    """Reads pgbench's words until it ends: a line of progress a second."""
    assert process.stderr
    rest = ""
    async for raw in process.stderr:
        line = raw.decode(errors="replace")
        found = re.match(r"progress: ([\d.]+) s, ([\d.]+) tps, lat ([\d.]+|NaN) ms", line)
        if found is None:
            rest += line
        elif found[3] != "NaN":
            recorder.at(round(float(found[1])) - 1, round(float(found[2])), float(found[3]) / 1000)
    await process.wait()
    return rest.strip()


def logged(folder: Path) -> Iterator[tuple[int, int | None]]:
    """What pgbench logged of each transaction: the number of its script, and µs; None where it failed."""
    for file in folder.glob("log.*"):
        with file.open(encoding="ascii") as lines:
            for line in lines:
                words = line.split()
                if len(words) >= 6:
                    yield int(words[3]), int(words[2]) if words[2].isdecimal() else None


def _read(folder: Path, kinds: list[str], recorder: Recorder) -> None:
    for script, micros in logged(folder):
        if micros is None:
            recorder.failure("transaction failed")
        else:
            recorder.timed(kinds[script], micros)
