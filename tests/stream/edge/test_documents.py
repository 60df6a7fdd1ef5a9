"""Guide and AsyncAPI document against the running server and its types: nothing in them is only claimed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, get_args

import aiohttp
import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from settings.paths import CLONE
from stream import messages
from stream.codes import CloseCode, ErrorCode
from stream.messages import PROTOCOL
from tests.stream.edge.real import Real, real

GUIDE = (CLONE / "docs" / "guides" / "websocket.md").read_text(encoding="utf-8")
DOCUMENT = yaml.safe_load((CLONE / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
_BLOCK = re.compile(r"^```json (client|server)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `?([a-z0-9-]+)`? \| (.+) \| (.+) \|$", re.MULTILINE)
_ASKED = {kind.__struct_config__.tag: kind for kind in get_args(messages.Asked)}
_TOLD = {kind.__struct_config__.tag: kind for kind in get_args(messages.Told)}
_OWN_NAMES = {"initial-data": "initialData"}
_MALFORMED = {ErrorCode.BAD_FILTER, ErrorCode.UNKNOWN_TYPE, ErrorCode.BAD_FIELD}
_PASSED = {"data", "initial-data", "subscription"}  # may stand between what an example shows


def _sections() -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The guide's conversations, by heading: who speaks, and what."""
    found = {}
    for section in re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        lines = [(who, json.loads(text)) for who, text in _BLOCK.findall(body)]
        if lines:
            found[title] = lines
    return found


SECTIONS = _sections()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("stream"), "stream: {replay: {rate: 50}}\n") as running:
        yield running


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}})


def _told(message: Mapping[str, Any]) -> str:
    """The name of the schema of what a server sends."""
    kind = str(message["type"])
    return "authenticated" if kind == "auth" else _OWN_NAMES.get(kind, kind)


def _same_shape(shown: Any, came: Any, where: str) -> None:
    """The same keys, and values of the same type; facts may be more than an example shows."""
    if isinstance(shown, dict):
        assert isinstance(came, dict), where
        facts = where.endswith((".data", ".data[]"))
        assert set(shown) <= set(came) if facts else set(shown) == set(came), f"{where}: {shown} and {came}"
        for key, value in shown.items():
            _same_shape(value, came[key], f"{where}.{key}")
    elif isinstance(shown, list):
        assert isinstance(came, list), where
        for value in shown[:1] if came else []:
            _same_shape(value, came[0], f"{where}[]")
    elif came is not None:
        number = isinstance(shown, int | float) and not isinstance(shown, bool)
        assert isinstance(came, (int, float) if number else type(shown)), f"{where}: {shown!r} and {came!r}"


async def _connected(server: Real, work: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[None]]) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session, session.ws_connect(server.ws) as ws:
        await work(ws)


async def _hear(ws: aiohttp.ClientWebSocketResponse, wanted: str) -> dict[str, Any]:
    """The next message of that type; every message on the way keeps its schema."""
    while True:
        message: dict[str, Any] = await ws.receive_json()
        _validator(_told(message)).validate(message)
        if message["type"] == wanted:
            return message
        assert message["type"] in _PASSED, f"{message} instead of {wanted}"


async def _place(server: Real) -> tuple[int, str]:
    """A number of the market's room that history holds with some more after it, and the epoch."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{server.http}/api/rooms") as answer:
                told = await answer.json()
            room = next(room for room in told["rooms"] if room["room"] == "market-data")
            if room["seq"] > 10:
                return room["seq"] - 6, room["epoch"]
            await asyncio.sleep(0.05)  # the server limits how often an address may ask


async def _filled(server: Real, title: str, message: dict[str, Any]) -> dict[str, Any]:
    """An example with what differs from server to server: a token, a place to resume from."""
    if message.get("token") == "TOKEN":
        issued = server.run("stream.tokens", "issue", "--subject", "guide", "--scope", "market", "--scope", "onchain")
        return message | {"token": issued.stdout.strip()}
    if title == "Resume":
        after, epoch = await _place(server)
        return message | {"after": after, "epoch": epoch}
    return message


@pytest.mark.parametrize("title", SECTIONS)
def test_each_conversation_of_the_guide_happens(server: Real, title: str) -> None:
    async def talk(ws: aiohttp.ClientWebSocketResponse) -> None:
        lines = SECTIONS[title]
        if lines[0][1]["type"] != "connection":
            await _hear(ws, "connection")
        for index, (who, message) in enumerate(lines):
            if who == "client":
                sent = await _filled(server, title, message)
                refused = lines[index + 1][1].get("code") in _MALFORMED
                known = sent["type"] in _ASKED
                assert (known and _validator(sent["type"]).is_valid(sent)) is not refused, "schema and server agree"
                await ws.send_json(sent)
                continue
            _validator(_told(message)).validate(message)
            came = await _hear(ws, message["type"])
            _same_shape(message, came, message["type"])
            for key in ("code", "reason", "status", "message", "room", "protocol", "id", "from"):
                if key in message:
                    assert came[key] == message[key]

    asyncio.run(_connected(server, talk))


def test_the_guide_has_an_example_of_every_message() -> None:
    shown = {(who, message["type"]) for lines in SECTIONS.values() for who, message in lines}
    assert {kind for who, kind in shown if who == "client"} == {*_ASKED, "shout"}  # which is refused
    assert {kind for who, kind in shown if who == "server"} == {*_TOLD, "data"}


def test_the_guides_lists_of_codes_are_the_servers() -> None:
    rows = {name: (first, second) for name, first, second in _ROW.findall(GUIDE)}
    for code in ErrorCode:
        assert rows[code] == (code.meaning, code.remedy)
    for close in CloseCode:
        assert rows[str(int(close))] == (close.meaning, "yes" if close.retry else "no")
    listed = re.findall(r"^\| (\d{4}) \|", GUIDE, re.MULTILINE)
    assert [int(code) for code in listed] == [int(close) for close in CloseCode]


def test_messagepack_carries_the_same_messages(server: Real) -> None:
    async def talk() -> None:
        protocols = (messages.SUBPROTOCOL_MSGPACK,)
        async with aiohttp.ClientSession() as session, session.ws_connect(server.ws, protocols=protocols) as ws:
            assert ws.protocol == messages.SUBPROTOCOL_MSGPACK
            await ws.send_bytes(msgspec.msgpack.encode({"type": "subscribe", "room": "market-data"}))
            kinds = []
            while "data" not in kinds:
                message = msgspec.msgpack.decode(await ws.receive_bytes(timeout=10))
                _validator(_told(message)).validate(message)
                kinds.append(message["type"])
            assert kinds == ["connection", "subscription", "initial-data", "data"]

    asyncio.run(talk())


def test_every_room_keeps_the_schemas(server: Real) -> None:
    async def talk(ws: aiohttp.ClientWebSocketResponse) -> None:
        for room in messages.ROOMS:
            await ws.send_json({"type": "subscribe", "room": room})
        seen: set[str] = set()
        await _hear(ws, "connection")
        while seen != set(messages.ROOMS):
            seen.add((await _hear(ws, "data"))["room"])

    asyncio.run(_connected(server, talk))


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_the_document_is_asyncapi_3_and_its_references_lead_somewhere() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == str(PROTOCOL)
    for reference in _references(DOCUMENT):
        place = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    inside = set(DOCUMENT["channels"]["stream"]["messages"])
    named = {
        ref.rpartition("/")[2] for operation in DOCUMENT["operations"].values() for ref in _references(operation["messages"])
    }
    assert inside == named == set(DOCUMENT["components"]["messages"])


def _fields(kind: type[msgspec.Struct]) -> tuple[set[str], set[str]]:
    """Names of all fields of a type as they are sent, and of those that must be there."""
    fields = msgspec.structs.fields(kind)
    every = {"type", *(field.encode_name for field in fields)}
    return every, {"type", *(field.encode_name for field in fields if field.required)}


@pytest.mark.parametrize("name", _ASKED)
def test_what_clients_send_is_what_the_server_takes(name: str) -> None:
    every, required = _fields(_ASKED[name])
    assert set(SCHEMAS[name]["properties"]) == every
    assert set(SCHEMAS[name]["required"]) == required
    assert SCHEMAS[name]["additionalProperties"] is False


@pytest.mark.parametrize("name", _TOLD)
def test_what_the_server_sends_is_what_is_described(name: str) -> None:
    schema = SCHEMAS[_told({"type": name})]
    every, _ = _fields(_TOLD[name])
    assert set(schema["properties"]) == every
    left_out = {"room"} if name == "error" else set()  # all others are always there, defaults too
    assert set(schema["required"]) == every - left_out


def test_reasons_and_codes_are_the_servers() -> None:
    assert SCHEMAS["error"]["properties"]["code"]["enum"] == [str(code) for code in ErrorCode]
    reasons = next(field.type for field in msgspec.structs.fields(messages.Gap) if field.name == "reason")
    assert set(SCHEMAS["gap"]["properties"]["reason"]["enum"]) == set(get_args(reasons))
    for reason in get_args(reasons):
        assert f"| `{reason}` |" in GUIDE
