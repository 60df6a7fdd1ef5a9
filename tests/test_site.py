"""The documentation builds as a site: every link leads somewhere, and no page asks a stranger for anything."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser

from settings.paths import CLONE
from tests.browser import page

_ASKED = re.compile(r"""<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")
_HARMLESS = ('rel="canonical"', "rel=canonical")


def test_it_builds_strictly_and_stands_alone(tmp_path: Path, browser: Browser) -> None:
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(words, cwd=CLONE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 100
    asked = [found for one in pages for found in _ASKED.findall(one.read_text(encoding="utf-8"))]
    assert [one for one in asked if not any(word in one for word in _HARMLESS)] == []
    with served(tmp_path / "site") as url, page(browser, url) as shown:
        shown.get_by_role("link", name="Getting started").first.click()
        shown.get_by_role("heading", name="Getting started").first.wait_for()
        shown.get_by_placeholder("Search").first.fill("backlog_bytes")
        shown.get_by_role("link", name="site").first.wait_for()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()
