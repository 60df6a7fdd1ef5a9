"""TLS on the public port: clients, slow ones too, handshakes that never end, renewal, and what cannot be used."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from settings import SettingsError, check_secrets, parse
from stream.codes import CloseCode
from stream.direct import NONE
from stream.keeper import Times
from stream.messages import MARKET
from stream.tls import Certificate
from tests.exporters.test_gate import certificate, trusting
from tests.stream.core.serving import Serving, becomes, run, serving, told
from tests.stream.core.test_process import running, to_the_end

_PAD = "x" * 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    certificate(made, "stream")
    (made / "key.pem").chmod(0o600)
    return made


@pytest.fixture(params=["uvloop", "asyncio"])
def _each_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "asyncio":
        monkeypatch.setattr("tests.stream.core.serving.choose", lambda: (asyncio.new_event_loop, ""))


def _site(folder: Path, more: str = "") -> str:
    return f"{{tls: {{certificate: {folder}/cert.pem, key_file: {folder}/key.pem}}{more}}}"


async def _subscribed(here: Serving, folder: Path) -> aiohttp.ClientWebSocketResponse:
    client = await here.http.ws_connect(f"wss://127.0.0.1:{here.port}/ws", ssl=trusting(folder / "cert.pem"))
    await client.send_json({"type": "subscribe", "room": MARKET})
    assert [(await told(client))["type"] for _ in range(3)] == ["connection", "subscription", "initial-data"]
    return client


@pytest.mark.usefixtures("_each_loop")
def test_clients_by_tls_get_the_same_and_their_transports_alone_write(folder: Path) -> None:
    async def story() -> None:
        async with serving(_site(folder)) as here:
            clients = [await _subscribed(here, folder) for _ in range(2)]
            assert {session.outlet.fd for session in here.server.endpoint.sessions.values()} == {NONE}
            for number in range(1, 51):
                here.publish(n=number)
            for client in clients:
                assert [(await told(client))["seq"] for _ in range(50)] == list(range(1, 51))
            async with here.http.get(f"https://127.0.0.1:{here.port}/api/rooms", ssl=trusting(folder / "cert.pem")) as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientError):
                await here.http.get(f"http://127.0.0.1:{here.port}/api/rooms")
            await clients[0].close()
            await becomes("one is gone", lambda: len(here.server.endpoint.sessions) == 1)

    run(story())


@pytest.mark.usefixtures("_each_loop")
def test_a_slow_client_by_tls_is_closed_and_delays_nobody(folder: Path) -> None:
    async def story() -> None:
        more = ", backlog_bytes: 16384, slow_seconds: 0.3"
        async with serving(_site(folder, more), times=Times(ping_every=0.5, close_within=0.5)) as here:
            slow, quick = await _subscribed(here, folder), await _subscribed(here, folder)
            transport = slow.get_extra_info("socket")
            transport.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow._conn.transport.pause_reading()  # type: ignore[union-attr]  # it is connected
            fanout = here.server.hub.fanout
            while not fanout.slow:
                seq = here.publish(pad=_PAD)
                assert (await told(quick))["seq"] == seq
            await becomes("the slow one is let go", lambda: len(here.server.endpoint.sessions) == 1)
            assert (await here.samples())[f'ws_closes_total{{code="{int(CloseCode.TOO_SLOW)}",by="server"}}'] == 1
            seq = here.publish()
            assert (await told(quick))["seq"] == seq

    run(story())


@pytest.mark.usefixtures("_each_loop")
def test_a_handshake_that_never_ends_is_cut_off_and_a_renewed_certificate_serves(tmp_path: Path) -> None:
    certificate(tmp_path, "first")
    (tmp_path / "key.pem").chmod(0o600)

    async def story() -> None:
        async with serving(_site(tmp_path, ", limits: {handshake_seconds: 2}")) as here:
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            writer.write(b"\x16\x03\x01")
            assert await reader.read() in (b"", b"\x15\x03\x03\x00\x02\x02\x16"), "ended, with an alert or without"
            writer.close()
            before = await _subscribed(here, tmp_path)
            old = (tmp_path / "cert.pem").read_text()
            certificate(tmp_path, "second")
            assert (tmp_path / "cert.pem").read_text() != old
            await (await _subscribed(here, tmp_path)).close()
            (tmp_path / "key.pem").write_text("nonsense")
            serves = trusting(tmp_path / "cert.pem")
            await (await here.http.ws_connect(f"wss://127.0.0.1:{here.port}/ws", ssl=serves)).close()
            here.publish()
            assert (await told(before))["seq"] == 1
            await before.close()

    run(story())


def test_it_is_served_by_the_command_and_ended_by_sigterm(folder: Path, tmp_path: Path) -> None:
    async def story(url: str) -> None:
        async with connect(url, ssl=trusting(folder / "cert.pem")) as client:
            await client.send(json.dumps({"type": "subscribe", "room": "canary"}))
            kinds = [json.loads(await client.recv())["type"] for _ in range(4)]
            assert kinds == ["connection", "subscription", "initial-data", "data"]
            here.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as ended:
                await to_the_end(client)
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == CloseCode.GOING_AWAY

    with running(tmp_path, site=f"stream: {_site(folder)}\n") as here:
        assert here.url.startswith("https://127.0.0.1:")
        asyncio.run(story(here.ws))
        assert here.process.wait(10) == 0


def test_what_cannot_be_used_is_said_with_the_fix(folder: Path, tmp_path: Path) -> None:
    def refused(certificate: Path, key: Path) -> str:
        site = parse(f"stream: {{tls: {{certificate: {certificate}, key_file: {key}}}}}", "site.yaml", {})
        with pytest.raises(SettingsError) as error:
            Certificate(site.stream.tls)
        return str(error.value)

    cert, key = folder / "cert.pem", folder / "key.pem"
    assert "stream.tls.certificate: " in refused(tmp_path / "none.pem", key)
    assert "stream.tls.key_file: " in refused(cert, tmp_path / "none.pem")
    assert "cannot be used" in refused(key, key)
    certificate(tmp_path, "other")
    (tmp_path / "key.pem").chmod(0o600)
    assert "its own key" in refused(cert, tmp_path / "key.pem")
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", key, "-out", locked], check=True, capture_output=True
    )
    locked.chmod(0o600)
    assert "without a passphrase" in refused(cert, locked)
    open_key = tmp_path / "open.pem"
    open_key.write_text(key.read_text())
    open_key.chmod(0o644)
    assert f"chmod 600 {open_key}" in refused(cert, open_key)
    with pytest.raises(SettingsError, match="chmod 600"):
        check_secrets(parse(f"stream: {{tls: {{certificate: {cert}, key_file: {open_key}}}}}", "site.yaml", {}))
    with pytest.raises(SettingsError, match="go together"):
        parse(f"stream: {{tls: {{certificate: {cert}}}}}", "site.yaml", {})
