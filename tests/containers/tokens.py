"""A client's token, in containers: issued and withdrawn by make's command, it opens the API and no longer does."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request

from compose.docker import Containers
from settings.paths import CLONE
from tests.waiting import until


def issue_and_revoke(stack: Containers) -> None:
    """The book is in the stream's volume: the stream finds it there, and it outlives the container."""
    key = _said(stack, "issue", "--subject", "robot", "--api-key").strip()
    until("the key is known", lambda: _answer(stack, key) == 200, 10, 0.2)
    stack.compose("up", "--detach", "--force-recreate", "--no-deps", "stream")
    stack.wait("stream")
    assert _answer(stack, key) == 200
    (known,) = (line.split()[0] for line in _said(stack, "list").splitlines())
    _said(stack, "revoke", known)
    until("the key is refused", lambda: _answer(stack, key) == 401, 10, 0.2)


def _said(stack: Containers, *words: str) -> str:
    where = ["--home", str(stack.host.home), "--site", str(stack.site_file)]
    asked = [sys.executable, "-m", "compose", "token", *where, "--", *words]
    done = subprocess.run(asked, cwd=CLONE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _answer(stack: Containers, key: str) -> int:
    url = f"http://127.0.0.1:{stack.site().ports.stream}/api/dashboard"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-API-Key": key}), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
