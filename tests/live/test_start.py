"""Starting in bad circumstances: one clear error, a documented exit code, nothing left running."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from compose import boot
from compose.topology import services
from metrics import stack
from tests.appliance import Appliance
from tests.waiting import until

NOBODY = 65_534
CLONE = Path(__file__).parent.parent.parent


def compose(appliance: Appliance, command: str, *arguments: str, user: int = -1) -> subprocess.Popen[str]:
    """The command under way, as the user of that number."""
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user not in (-1, os.geteuid()) else []
    words = [
        *become,
        "env",
        "--default-signal=INT",  # a shell that runs us in the background has it ignored, and children inherit that
        sys.executable,
        "-m",
        "compose",
        command,
        "--home",
        str(appliance.home),
        "--site",
        str(appliance.site_file),
        *arguments,
    ]
    return subprocess.Popen(words, cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def result(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


@pytest.fixture
def cold() -> Appliance:
    """An appliance that nobody has started."""
    return Appliance(factor=0.1)


@pytest.fixture
def small() -> Appliance:
    """One without the workload: half the processes, for what is alike with all of them."""
    return Appliance(factor=0.1, settings={"workload": False})


def ends(appliance: Appliance) -> None:
    appliance.__exit__(None, None, None)


@pytest.mark.parametrize("name", ["alertmanager", "stream", "stream_admin"])
def test_a_taken_port_names_port_and_process(cold: Appliance, name: str) -> None:
    port = getattr(cold.site.ports, name)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        code, _, err = result(compose(cold, "up"))
    assert code == 1
    assert f"port {port} is in use" in err
    assert f"(pid {os.getpid()})" in err
    assert not cold.stack.supervisor.running()
    ends(cold)


def test_a_wrong_key_exits_2_before_anything_is_made(cold: Appliance) -> None:
    cold.site_file.write_text("bind: 127.0.0.1\nportz: {}\n", encoding="utf-8")
    code, _, err = result(compose(cold, "up"))
    assert (code, err) == (2, "site.yaml:2: portz: unknown key: did you mean 'ports'?\n")
    assert sorted(path.name for path in cold.home.iterdir()) == ["run", "site.yaml"]
    ends(cold)


def test_a_process_that_dies_at_once_is_told_and_the_rest_stops(small: Appliance) -> None:
    database = small.home / "data" / "inbox" / "inbox.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"this is no database" * 500)
    code, _, err = result(compose(small, "up"))
    assert code == 1
    assert err.startswith("inbox does not run: ")
    assert "database" in err.partition("the last lines of")[2]
    assert not small.stack.supervisor.running()
    ends(small)


def test_of_two_at_once_one_waits_and_finds_all_done(small: Appliance) -> None:
    try:
        first, second = compose(small, "up"), compose(small, "up")
        outcomes = [result(first), result(second)]
        assert [outcome[0] for outcome in outcomes] == [0, 0], outcomes
        words = [outcome[1] for outcome in outcomes]
        assert sum("waiting for it to end" in text for text in words) == 1
        assert sum("nothing was changed" in text for text in words) == 1
        until("every service answers", small.all_ok)
        code, out, _ = result(compose(small, "status", "--json"))
        assert (code, out.count('"state": "ok"')) == (0, len(services(small.site)))
        assert result(compose(small, "down"))[0] == 0
        code, _, err = result(compose(small, "status"))
        assert code == 1
        assert "nothing runs" in err
        assert (small.home / "data" / "inbox" / "inbox.db").exists()
        assert result(compose(small, "clean", "--yes"))[0] == 0
        assert not (small.home / "data").exists()
    finally:
        ends(small)


def test_ctrl_c_leaves_nothing_running(small: Appliance) -> None:
    try:
        process = compose(small, "up")
        until("supervisord answers", small.stack.supervisor.running, 30)
        os.killpg(process.pid, signal.SIGINT)
        code, _, err = result(process)
        assert code == 130, err
        assert "interrupted" in err
        assert not small.stack.supervisor.running()
        assert small.up()
    finally:
        ends(small)


def test_up_that_is_killed_anywhere_is_repeated_and_nothing_is_lost(small: Appliance) -> None:
    home, kept = small.home, dict[str, bytes]()
    points = {
        "folders are there": (home / "data").exists,
        "a password is there": small.paths.alertmanager_web.exists,
        "files are being rendered": (home / "rendered-new").exists,
        "files are in place": small.paths.rendered.exists,
        "supervisord answers": small.stack.supervisor.running,
    }
    try:
        for what, reached in points.items():
            process = compose(small, "up")
            until(what, reached, 60, 0.001)
            os.killpg(process.pid, signal.SIGKILL)
            result(process)
            now = {path.name: path.read_bytes() for path in small.paths.secrets.glob("*[!w]") if path.stat().st_size}
            assert kept.items() <= now.items(), what
            kept = now
        code, out, err = result(compose(small, "up"))
        assert code == 0, out + err
        until("every service answers", small.all_ok)
        assert {name: (small.paths.secrets / name).read_bytes() for name in kept} == kept
        assert {path.name for path in home.iterdir()} <= {
            "VERSION", "backups", "data", "log", "run", "secrets", "site.yaml", "rendered", small.paths.rendered.readlink().name,
        }  # fmt: skip
    finally:
        ends(small)


def test_the_command_lines_of_the_systemd_unit_start_and_stop_it(small: Appliance) -> None:
    unit = boot.unit(small.stack.host, small.site_file)
    keys = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    name, home = keys["Environment"].split("=", 1)
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", name: home}  # no more than systemd gives
    try:
        for key, runs in (("ExecStart", True), ("ExecStop", False)):
            words, place = shlex.split(keys[key]), keys["WorkingDirectory"]
            done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, timeout=90, check=False)
            assert done.returncode == 0, done.stderr
            assert Path(keys["PIDFile"]).exists() is runs
    finally:
        ends(small)


def test_an_ordinary_user_runs_it_too_and_ends_what_outlived_supervisord(cold: Appliance) -> None:
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    try:
        os.chown(cold.home, user, -1)
        os.chown(cold.site_file, user, -1)
        code, _, err = result(compose(cold, "up", user=user))
        assert code == 0, err
        pids = [process.pid for process in cold.stack.supervisor.processes().values()]
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {user}
        os.kill(int(cold.stack.supervisor.call("supervisor.getPID")), signal.SIGKILL)
        until("supervisord is gone", lambda: not cold.stack.supervisor.running(), 10)
        down = f'{stack.SERVICE_UP.name}{{service="supervisord"}}'
        until("Prometheus hears that nothing brings services back", lambda: cold.value(down) == 0, 30)
        code, _, err = result(compose(cold, "status", user=user))
        assert code == 1
        assert "supervisord has ended" in err
        code, out, err = result(compose(cold, "up", user=user))
        assert code == 0, err
        assert "they were stopped" in out
        assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
    finally:
        ends(cold)
