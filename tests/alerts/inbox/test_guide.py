"""Every command of docs/guides/inbox.md, on a running inbox."""

from __future__ import annotations

import json
import subprocess
from typing import Any
from urllib.parse import urlsplit

from tests.alerts.inbox.service import Inbox, alert, delivery
from tests.guides import commands


def test_the_guides_commands_do_what_it_says(inbox_process: Inbox) -> None:
    inbox_process.post(delivery(alert("TargetDown")))
    asked, acknowledged, told = commands("inbox.md")
    (found,) = done(inbox_process, asked)["incidents"]
    assert found["alertname"] == "TargetDown"
    assert done(inbox_process, acknowledged.replace("/7/", f"/{found['id']}/"))["acknowledged_by"] == "Ada"
    assert done(inbox_process, asked)["incidents"] == [], "it is open no more"
    assert done(inbox_process, told)["title"] == "shop 1.4.2"


def done(inbox: Inbox, command: str) -> dict[str, Any]:
    """What a command prints, with the address of this inbox for that of the guide."""
    words = ["bash", "-euc", command.replace("localhost:9095", urlsplit(inbox.url).netloc)]
    answer = json.loads(subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout)
    assert isinstance(answer, dict)
    return answer
