"""The section `stream:` of `site.yaml`: the stream server, whom it lets in, and how much it keeps."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from msgspec import Meta, field

from settings.api import Api
from settings.basic import BusOrNone, FileOrNone, HostName, Line, Network, Origin, Section, Size, in_bytes
from settings.feeds import Replay, Sources


class Room(Section, frozen=True):
    """What one room demands."""

    scope: Annotated[
        Line,
        Meta(description="The scope that a token must carry to subscribe, or to ask the API for what it knows; empty: none."),
    ] = ""


class Demands(Section, frozen=True, rename="kebab"):
    """What rooms demand, by room."""

    market_data: Annotated[Room, Meta(description="Prices and indicators.")] = field(default_factory=Room)
    onchain_data: Annotated[Room, Meta(description="Indicators of the chains.")] = field(default_factory=Room)
    sentiment_data: Annotated[Room, Meta(description="Indices of sentiment.")] = field(default_factory=Room)
    canary: Annotated[Room, Meta(description="One stamped message a second.")] = field(default_factory=Room)

    def scopes(self) -> dict[str, str]:
        """The scope that each room demands, of those that demand one."""
        names = zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True)
        return {room: scope for room, name in names if (scope := getattr(self, name).scope)}


class Limits(Section, frozen=True):
    """What one client, and one address, may use."""

    connections_per_address: Annotated[int, Meta(ge=1, description="Open connections from one address.")] = 200
    messages_per_second: Annotated[float, Meta(gt=0, description="Messages a client may send, in the long run.")] = 50.0
    burst: Annotated[int, Meta(ge=1, description="Messages a client may send at once.")] = 100
    message_bytes: Annotated[int, Meta(ge=1024, description="The largest message of a client, after inflation.")] = 65_536
    subscriptions: Annotated[int, Meta(ge=1, description="Rooms a client may be in at once.")] = 50
    handshake_seconds: Annotated[float, Meta(gt=0, description="A request whose headers take longer is dropped.")] = 10.0
    idle_seconds: Annotated[float, Meta(gt=0, description="A silent client without a subscription is dropped.")] = 60.0
    header_bytes: Annotated[int, Meta(ge=1024, description="The headers of one request, together.")] = 16_384


class History(Section, frozen=True):
    """What each room keeps, so that clients can resume."""

    seconds: Annotated[float, Meta(ge=60, description="Messages of so long are kept, and at least `messages`.")] = 60.0
    messages: Annotated[int, Meta(ge=10_000, description="So many messages are kept, however old.")] = 10_000
    bytes: Annotated[Size, Meta(description="Above this size the oldest go all the same.")] = "64MB"

    @property
    def size(self) -> int:
        """The cap in bytes."""
        return in_bytes(self.bytes)


class Tls(Section, frozen=True):
    """TLS on the public port; without it clients speak `ws://` and `http://`."""

    certificate: Annotated[FileOrNone, Meta(description="The certificate with its chain, PEM; empty: no TLS.")] = ""
    key_file: Annotated[FileOrNone, Meta(description="A file that holds its key, PEM, without a passphrase.")] = ""

    def __post_init__(self) -> None:
        """Refuses one without the other."""
        if bool(self.certificate) != bool(self.key_file):
            raise ValueError("certificate and key_file go together: give both, or neither")


class Bus(Section, frozen=True):
    """What joins the workers of a stream server, and those of several machines: Redis Streams, in a Redis of their own."""

    enabled: Annotated[bool, Meta(description="false: one worker on its own; a restart of it then begins a new numbering.")] = (
        True
    )
    url: Annotated[
        BusOrNone, Meta(description="A Redis of yours, redis://host:port/db or rediss://; empty: the appliance's own.")
    ] = ""
    username: Annotated[Line, Meta(description="The user of your Redis; empty for the default one.")] = ""
    password_file: Annotated[FileOrNone, Meta(description="A file that holds the password of your Redis; empty for none.")] = ""
    replicas: Annotated[
        int, Meta(ge=0, le=1, description="1: an entry counts as accepted when a replica has it too, within 100 ms.")
    ] = 0


class Stream(Section, frozen=True):
    """The stream server."""

    workers: Annotated[int, Meta(ge=1, le=64, description="Processes that share the port; more than one needs the bus.")] = 1
    bus: Annotated[Bus, Meta(description="What joins them.")] = field(default_factory=Bus)
    anonymous: Annotated[bool, Meta(description="Clients without a token are let in.")] = True
    allowed_origins: Annotated[
        list[Origin], Meta(description="Pages of these origins may connect too; empty: those of the server's own alone.")
    ] = field(default_factory=list)
    allowed_hosts: Annotated[
        list[HostName],
        Meta(description="More names by which clients may call the server than its address, its name and that of public_url."),
    ] = field(default_factory=list)
    trusted_proxies: Annotated[list[Network], Meta(description="Addresses whose X-Forwarded-For is believed.")] = field(
        default_factory=list
    )
    tokens_file: Annotated[
        FileOrNone,
        Meta(description="Where keys and tokens are kept; empty: among the secrets, in containers in the stream's volume."),
    ] = ""
    rooms: Annotated[Demands, Meta(description="What rooms demand.")] = field(default_factory=Demands)
    tls: Annotated[Tls, Meta(description="Encryption on the public port.")] = field(default_factory=Tls)
    limits: Annotated[Limits, Meta(description="What a client may use.")] = field(default_factory=Limits)
    api: Annotated[Api, Meta(description="The HTTP API.")] = field(default_factory=Api)
    history: Annotated[History, Meta(description="What rooms keep.")] = field(default_factory=History)
    backlog_bytes: Annotated[
        int, Meta(ge=4096, description="Bytes that wait for a client, above which its messages are conflated.")
    ] = 262_144
    slow_seconds: Annotated[float, Meta(gt=0, description="A client that stays slow for so long is closed.")] = 10.0
    replay: Annotated[Replay, Meta(description="The embedded feed.")] = field(default_factory=Replay)
    sources: Annotated[Sources, Meta(description="Where data comes from.")] = field(default_factory=Sources)

    def __post_init__(self) -> None:
        """Refuses several workers that nothing joins, and what is no address or network."""
        if self.workers > 1 and not self.bus.enabled:
            msg = f"workers is {self.workers} and bus.enabled is false: set bus.enabled to true, or workers to 1"
            raise ValueError(msg)
        for text in self.trusted_proxies:
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                msg = f"trusted_proxies holds {text!r}, which is no network: give an address or a network such as 10.0.0.0/8"
                raise ValueError(msg) from error
