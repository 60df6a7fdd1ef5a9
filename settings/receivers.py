"""The sections `receivers:`, `mute_times:` and `deadman:` of `site.yaml`: who is told beside the inbox, and when not."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Meta, field

from settings import patterns
from settings.basic import Address, File, FileOrNone, Line, Mail, Name, Section, UrlOrNone

Severity = Literal["critical", "warning", "info"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Clock: TypeAlias = Annotated[str, Meta(pattern=patterns.CLOCK)]
Severities: TypeAlias = Annotated[list[Severity], Meta(description="Which alerts it gets.")]
Muted: TypeAlias = Annotated[list[Name], Meta(description="Names of `mute_times` in which it gets critical alerts alone.")]


def _both() -> list[Severity]:
    return ["critical", "warning"]


def _one_url(url: str, url_file: str) -> None:
    """Raises ValueError unless exactly one of the two is given."""
    if bool(url) == bool(url_file):
        msg = f"has {'both url and url_file' if url else 'neither url nor url_file'}: give one of the two"
        raise ValueError(msg)


class Webhook(Section, frozen=True, tag="webhook", tag_field="type"):
    """Alertmanager's JSON, posted to a URL."""

    name: Annotated[Name, Meta(description="How status and tests call it.")]
    url: Annotated[UrlOrNone, Meta(description="Where to post; a URL that holds a secret goes into url_file.")] = ""
    url_file: Annotated[FileOrNone, Meta(description="A file that holds the URL (Alertmanager 0.26 and later).")] = ""
    bearer_token_file: Annotated[FileOrNone, Meta(description="A file that holds a bearer token; empty for none.")] = ""
    severities: Severities = field(default_factory=_both)
    mute: Muted = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuses two URLs, or none."""
        _one_url(self.url, self.url_file)


class Email(Section, frozen=True, tag="email", tag_field="type"):
    """Mail through an SMTP server."""

    name: Annotated[Name, Meta(description="How status and tests call it.")]
    to: Annotated[Mail, Meta(description="The address that receives.")]
    from_: Annotated[Mail, Meta(description="The address that sends.")] = field(name="from")
    smarthost: Annotated[Address, Meta(description="The SMTP server, host:port.")]
    username: Annotated[Line, Meta(description="The SMTP user; empty for none.")] = ""
    password_file: Annotated[FileOrNone, Meta(description="A file that holds the SMTP password; empty for none.")] = ""
    require_tls: Annotated[bool, Meta(description="Refuse a server without STARTTLS.")] = True
    severities: Severities = field(default_factory=_both)
    mute: Muted = field(default_factory=list)


class Slack(Section, frozen=True, tag="slack", tag_field="type"):
    """A Slack channel, by an incoming webhook."""

    name: Annotated[Name, Meta(description="How status and tests call it.")]
    url_file: Annotated[File, Meta(description="A file that holds the incoming webhook's URL.")]
    channel: Annotated[Line, Meta(description="The channel; empty for the webhook's own.")] = ""
    severities: Severities = field(default_factory=_both)
    mute: Muted = field(default_factory=list)


class PagerDuty(Section, frozen=True, tag="pagerduty", tag_field="type"):
    """A PagerDuty service, by its Events API v2 integration key."""

    name: Annotated[Name, Meta(description="How status and tests call it.")]
    routing_key_file: Annotated[File, Meta(description="A file that holds the integration key.")]
    url: Annotated[UrlOrNone, Meta(description="The Events API; empty for PagerDuty's in the US.")] = ""
    severities: Severities = field(default_factory=lambda: ["critical"])
    mute: Muted = field(default_factory=list)


class Telegram(Section, frozen=True, tag="telegram", tag_field="type"):
    """A Telegram chat, by a bot (Alertmanager 0.26 and later)."""

    name: Annotated[Name, Meta(description="How status and tests call it.")]
    bot_token_file: Annotated[File, Meta(description="A file that holds the bot's token.")]
    chat_id: Annotated[int, Meta(description="The chat; a group's number is negative.")]
    api_url: Annotated[UrlOrNone, Meta(description="A Bot API server of your own; empty for Telegram's.")] = ""
    severities: Severities = field(default_factory=_both)
    mute: Muted = field(default_factory=list)


class Teams(Section, frozen=True, tag="teams", tag_field="type"):
    """A Microsoft Teams channel, by a workflow's URL (Alertmanager 0.28 and later)."""

    name: Annotated[Name, Meta(description="How status and tests call it.")]
    url_file: Annotated[File, Meta(description="A file that holds the workflow's URL.")]
    severities: Severities = field(default_factory=_both)
    mute: Muted = field(default_factory=list)


Receiver: TypeAlias = Webhook | Email | Slack | PagerDuty | Telegram | Teams


class MuteTime(Section, frozen=True):
    """Hours in which a receiver that names them gets critical alerts alone."""

    name: Annotated[Name, Meta(description="How receivers name it.")]
    weekdays: Annotated[
        list[Weekday], Meta(min_length=1, description="Days on which it begins.")
    ] = field(default_factory=lambda: list(WEEKDAYS))  # fmt: skip
    from_: Annotated[Clock, Meta(description="When it begins, HH:MM.")] = field(name="from", default="00:00")
    to: Annotated[Clock, Meta(description="When it ends, HH:MM; not after `from`: on the next day.")] = "24:00"
    location: Annotated[Line, Meta(description="The time zone of its hours, for example Europe/Berlin.")] = "UTC"

    def __post_init__(self) -> None:
        """Refuses a beginning that no day has, and unknown time zones."""
        if self.from_ == "24:00":
            raise ValueError("from is '24:00': give 00:00 and the next day")
        try:
            ZoneInfo(self.location)
        except (KeyError, ValueError, OSError) as error:  # unknown; a path; a folder
            raise ValueError(f"location {self.location!r} is no time zone: give one such as UTC or Europe/Berlin") from error


class DeadMan(Section, frozen=True):
    """A dead-man switch outside: a service such as healthchecks.io that tells people when the Watchdog's pings stop."""

    url: Annotated[UrlOrNone, Meta(description="What is pinged; empty: nobody outside listens.")] = ""
    url_file: Annotated[FileOrNone, Meta(description="A file that holds the URL instead.")] = ""

    def __post_init__(self) -> None:
        """Refuses two URLs."""
        if self.url and self.url_file:
            raise ValueError("has both url and url_file: give one of the two")
