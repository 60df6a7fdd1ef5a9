"""What notifications look like: a real Alertmanager sends one to real servers, and what they got becomes a page with pictures.

    python -m tests.alerts.examples [FOLDER]     (default: docs of this clone)

Who is told of what is made up: the stream that was down for seven and a half minutes. The texts are the catalogue's.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from alerts import versions
from settings.paths import CLONE
from tests.alerts.notified import Alertmanager, Listener, Mailbox, listening, mailing, part, running
from tests.alerts.test_guide import data, filled
from tests.browser import chromium, page
from tests.screenshots import kept
from tests.waiting import until

PAGE = Path("guides") / "notifications.md"
PICTURES = {"firing": "mail-firing.png", "resolved": "mail-resolved.png"}
_TITLES = {"slack": "Slack", "pager": "PagerDuty", "hook": "Generic webhook", "teams": "Teams"}
_TELEGRAM = "/bot1:token/sendMessage"
_HEAD = """# What notifications look like

Written by `make notify-examples`: Alertmanager {version} with the configuration that `make up` renders sends one page, and
its resolution, to a mail server and to a listener; this is what they got. How to set receivers up: [alerting.md](alerting.md).
"""
_NOT_HERE = "Alertmanager {version} cannot send to it ({needed} can). This is the template's text, filled in by amtool."


@dataclass
class Got:
    """What came of one alert: mails, and bodies by path, those of its firing first."""

    mails: dict[str, EmailMessage]
    bodies: dict[str, list[dict[str, Any]]]
    clean: Callable[[str], str]


def _receivers(folder: Path, listener: Listener, smtp: int) -> str:
    for name, text in (("slack", listener.url("/slack")), ("teams", listener.url("/teams")), ("key", "key"), ("bot", "1:token")):
        (folder / name).write_text(text)
    text = f"""
        profile: {{factor: 0.001}}
        ports: {{inbox: {listener.port}}}
        receivers:
        - {{type: email, name: mail, to: oncall@example.org, from: watchfloor@example.org, smarthost: "127.0.0.1:{smtp}",
            require_tls: false}}
        - {{type: slack, name: chat, url_file: {folder}/slack, channel: "#ops"}}
        - {{type: pagerduty, name: pager, routing_key_file: {folder}/key, url: "{listener.url("/pager")}"}}
        - {{type: webhook, name: hook, url: "{listener.url("/hook")}"}}
    """
    if versions.installed() >= versions.TEAMS:
        text += f"""
        - {{type: teams, name: teams, url_file: {folder}/teams}}
        - {{type: telegram, name: telegram, bot_token_file: {folder}/bot, chat_id: 1, api_url: "{listener.url("")}"}}
        """
    return text


def got(folder: Path) -> Got:
    """Sends TargetDown and its end, and waits until every receiver has both."""
    with listening() as listener, mailing() as (box, smtp), running(folder, _receivers(folder, listener, smtp)) as alertmanager:
        firing = _posted("firing", listener.port) | {"endsAt": "2099-01-01T00:00:00Z"}
        alertmanager.post(firing)
        _arrived(listener, box, 1)
        alertmanager.post(firing | {"endsAt": _posted("resolved", listener.port)["endsAt"]})
        _arrived(listener, box, 2)
        mails = dict(zip(PICTURES, box.mails, strict=True))
        return Got(mails, listener.received, lambda text: _clean(text, listener, alertmanager))


def _posted(status: str, inbox: int) -> dict[str, Any]:
    """TargetDown as Prometheus sends it to Alertmanager; the inbox that its links lead to listens elsewhere here."""
    (one,) = data(status=status)["alerts"]
    text = json.dumps({name: one[name] for name in ("labels", "annotations", "startsAt", "endsAt", "generatorURL")})
    found: dict[str, Any] = json.loads(text.replace("localhost:9095", f"localhost:{inbox}"))
    return found


def _arrived(listener: Listener, box: Mailbox, count: int) -> None:
    paths = ["/slack", "/pager", "/hook"]
    paths += ["/teams", _TELEGRAM] if versions.installed() >= versions.TEAMS else []
    for path in paths:
        until(f"{count} at {path}", lambda path=path: len(listener.received.get(path, [])) >= count)  # type: ignore[misc]
    until(f"{count} mails", lambda: len(box.mails) >= count)


def _clean(text: str, listener: Listener, alertmanager: Alertmanager) -> str:
    """With the addresses that an appliance has, in the place of those of this run."""
    own = alertmanager.url.rpartition(":")[2]
    text = re.sub(rf"http://[^/\s\"]+:{own}", "http://localhost:9093", text)
    return text.replace(f"localhost:{listener.port}", "localhost:9095").replace(f"127.0.0.1:{listener.port}", "localhost:9095")


def sections(here: Got, folder: Path) -> dict[str, str]:
    """What each kind of receiver gets, by the title of its section."""
    found = {"E-mail": _mail(here)}
    for name, title in _TITLES.items():
        if bodies := here.bodies.get(f"/{name}"):
            found[title] = f"{_json(here, bodies[0])}\n\nWhen it is over:\n\n{_json(here, bodies[1])}"
    if telegram := here.bodies.get(_TELEGRAM):
        found["Telegram"] = f"{_json(here, telegram[0])}\n\nWhen it is over:\n\n{_json(here, telegram[1])}"
    version = ".".join(map(str, versions.installed()))
    first, text = (filled(folder, f"watchfloor.teams.{part}", "firing") for part in ("first", "text"))
    found.setdefault("Teams", f"{_NOT_HERE.format(version=version, needed='0.28')}\n\n```\n{first}\n\n{text}\n```")
    plain = filled(folder, "watchfloor.text", "firing")
    found.setdefault("Telegram", f"{_NOT_HERE.format(version=version, needed='0.26')}\n\n```\n{plain}\n```")
    return found


def _mail(here: Got) -> str:
    firing, resolved = (here.mails[status] for status in PICTURES)
    text = here.clean(part(firing, "plain")).strip()
    pictures = [f"![The page of the mail, {status}](../images/{name})" for status, name in PICTURES.items()]
    return "\n\n".join(
        (
            f"Subject: `{firing['Subject']}`", pictures[0], "The same as text:", f"```\n{text}\n```",
            f"When it is over, with the subject `{resolved['Subject']}`:", pictures[1],
        )
    )  # fmt: skip


def _json(here: Got, body: dict[str, Any]) -> str:
    return f"```json\n{here.clean(json.dumps(body, indent=2, ensure_ascii=False))}\n```"


def written(found: dict[str, str]) -> str:
    """The page."""
    head = _HEAD.format(version=".".join(map(str, versions.installed())))
    return head + "".join(f"\n## {title}\n\n{text}\n" for title, text in found.items())


def main(docs: Path) -> int:
    """Writes the page and its pictures below `docs`."""
    with tempfile.TemporaryDirectory(prefix="watchfloor-") as name, chromium() as browser:
        folder = Path(name)
        here = got(folder)
        (docs / PAGE).write_text(written(sections(here, folder)), encoding="utf-8")
        for status, picture in PICTURES.items():
            shown = folder / f"{status}.html"
            shown.write_text(here.clean(part(here.mails[status], "html")), encoding="utf-8")
            with page(browser, shown.as_uri(), viewport={"width": 720, "height": 400}) as opened:
                kept(opened, docs / "images" / picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else CLONE / "docs"))
