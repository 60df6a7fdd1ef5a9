"""Secrets of a running appliance stand in their own files and nowhere else; what others may read holds none."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from compose.topology import services
from settings.paths import ALERTMANAGER_USER
from settings.secrets import problem
from tests.security.conftest import Besieged

PAGES = ("/metrics", "/", "/no/such/page", "/api/v1/status/config", "/api/v1/status/flags", "/debug/pprof/cmdline")


@pytest.fixture(scope="module")
def secrets(besieged: Besieged) -> dict[str, bytes]:
    """Every generated password, token and key, by its file's name; of keys, the lines that are no frame."""
    paths = besieged.appliance.paths
    plain = {path.name: path.read_bytes() for path in paths.secrets.iterdir() if path.is_file() and path.stat().st_size == 43}
    assert len(plain) >= 12
    for file in (paths.certificate, paths.authority_key):
        key = file.read_bytes().partition(b"-----BEGIN PRIVATE KEY-----\n")[2].splitlines()
        plain[file.name] = key[0]
    besieged.token()  # the first one makes the key that signs
    book = json.loads((paths.secrets / "stream_tokens.json").read_bytes())
    for key in book["keys"]:
        plain[f"the stream's key {key['id']}"] = key["secret"].encode()
    header = paths.entrance_alertmanager.read_text(encoding="ascii").split()
    plain["the entrance's header"] = header[-1].rstrip('";').encode()
    return plain


def _held(secrets: dict[str, bytes], data: bytes) -> list[str]:
    return [name for name, secret in secrets.items() if secret in data]


def _below(home: Path) -> Iterator[Path]:
    return (path for path in home.rglob("*") if path.is_file() and not path.is_symlink())


def test_no_process_shows_a_secret(besieged: Besieged, secrets: dict[str, bytes]) -> None:
    """Its arguments everybody on the machine can read; its environment its own user."""
    for name, process in besieged.appliance.stack.supervisor.processes().items():
        main = psutil.Process(process.pid)
        for one in (main, *main.children(recursive=True)):
            for file in ("cmdline", "environ"):
                shown = _shown(one, file)
                assert shown or one != main, (name, file)
                assert _held(secrets, shown) == [], (name, one.pid, file)


def _shown(process: psutil.Process, file: str) -> bytes:
    """What a process shows; nothing of a child that has ended meanwhile, as PostgreSQL's servers of one connection do."""
    try:
        return Path(f"/proc/{process.pid}/{file}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_logs_and_rendered_files_hold_no_secret(besieged: Besieged, secrets: dict[str, bytes]) -> None:
    paths, allowed = besieged.appliance.paths, {"edge.vcl": ["edge_secret"]}  # Varnish takes it from nowhere else
    seen = set()
    for folder in (paths.logs, paths.rendered.resolve(), paths.run):
        for file in _below(folder):
            with suppress(FileNotFoundError):  # servers at work remove files
                assert _held(secrets, file.read_bytes()) == allowed.get(file.name, []), file
                seen.add(file.name)
    assert seen >= {"edge.vcl", "prometheus.yml", "stream.log"}


def test_what_others_may_read_holds_no_secret(besieged: Besieged, secrets: dict[str, bytes]) -> None:
    home = besieged.appliance.home
    seen = 0
    for file in _below(home):
        with suppress(FileNotFoundError):  # as above
            closed = [path for path in (file, *file.parents) if path.is_relative_to(home) and not _open(path)]
            if not closed:
                assert _held(secrets, file.read_bytes()) == [], file
                seen += 1
    assert seen > 10, "logs, at least"


def _open(path: Path) -> bool:
    mode = path.stat().st_mode
    return bool(mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH))


def test_nothing_is_anybodys_to_write(besieged: Besieged) -> None:
    seen = 0
    for path in (besieged.appliance.home, *besieged.appliance.home.rglob("*")):
        with suppress(FileNotFoundError):  # as above
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and not stat.S_ISSOCK(mode):
                assert not mode & stat.S_IWOTH, path
                seen += 1
    assert seen > 100


def test_secrets_are_for_their_owner_alone(besieged: Besieged) -> None:
    paths = besieged.appliance.paths
    assert stat.S_IMODE(paths.secrets.stat().st_mode) == 0o700
    for file in (*paths.secrets.iterdir(), paths.authority_key):
        assert problem(file) is None, file
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    if besieged.appliance.stack.host.user:
        assert paths.authority_key.stat().st_uid == 0, "no service may sign"
        assert paths.authority_key.parent.stat().st_uid == 0


def test_metrics_and_errors_tell_no_secret(besieged: Besieged, secrets: dict[str, bytes]) -> None:
    site = besieged.appliance.site
    names = {getattr(site.ports, name): name for name in site.ports.__struct_fields__}
    spoken = [service for service in services(site) if service.check == "http"]
    assert len(spoken) > 10
    for service in spoken:
        for port in service.ports(site):
            if port not in names:
                continue
            for path in PAGES:
                said = besieged.ask(names[port], path)
                assert _held(secrets, said.body + str(said.headers).encode()) == [], (service.name, path)
                if said.status >= 400:
                    assert "Traceback" not in said.text
                    assert str(besieged.appliance.home) not in said.text


def test_what_is_behind_a_password_tells_no_secret_either(besieged: Besieged, secrets: dict[str, bytes]) -> None:
    login = besieged.header(ALERTMANAGER_USER, besieged.appliance.paths.alertmanager_password.read_text(encoding="ascii"))
    for path in ("/api/v2/status", "/metrics", "/no/such/page"):
        assert _held(secrets, besieged.ask("alertmanager", path, headers=login).body) == [], path
    for path in ("/", "/no/such/page", "/inbox/no/such", "/prometheus/no/such", "/alertmanager/api/v2/status", "/stream/no/such"):
        for headers in ({}, besieged.basic(), besieged.basic("viewer")):
            said = besieged.enter(path, headers=headers)
            assert _held(secrets, said.body + str(said.headers).encode()) == [], path
            assert said.status < 400 or str(besieged.appliance.home) not in said.text, path
