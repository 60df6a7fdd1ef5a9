"""Pictures of every page under a real fault, into `docs/images`: `python -m tests.screenshots [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from metrics import stack
from settings.paths import CLONE
from tests.appliance import Appliance, get
from tests.browser import chromium, dashboard_ready, page
from tests.drills.faults import burn_cpu
from tests.live.busy import SETTINGS, busy
from tests.waiting import until

SCHEMES = ("dark", "light")
_MOUNTS = "^/.+"  # all but the root: what else this machine mounts is nobody's concern
_COLOURS = 256  # of a picture: a page has few, and the file is a third as large


def main(folder: Path) -> int:
    """Starts an appliance whose times run ten times as fast, uses it, burns its processors until an alert is there, and looks."""
    folder.mkdir(parents=True, exist_ok=True)
    known: dict[str, Any] = dict(SETTINGS)
    exporters = known["exporters"] | {"system": {"mount_points_exclude": _MOUNTS}}
    settings = known | {"instance": "host-1", "exporters": exporters}
    with Appliance(factor=0.1, settings=settings) as appliance, chromium() as browser, busy(appliance):
        until("three minutes of data are there", lambda: (appliance.value("min(count_over_time(up[1h]))") or 0) >= 180, 300, 1)
        with burn_cpu(100)(appliance):
            until("an alert is in the inbox", lambda: get(appliance.url("inbox", "/api/incidents"))["incidents"], 90)
            until("the Watchdog is seen by the inbox", lambda: appliance.value(stack.WATCHDOG_AGE.name), 40)
        for scheme in SCHEMES:
            dashboards(browser, appliance, folder, scheme)
            inbox(browser, appliance, folder, scheme)
            stream(browser, appliance, folder, scheme)
    return 0


def kept(opened: Page, path: Path, *, whole: bool = True) -> None:
    """A picture of a page, `whole` or what a screen shows, in few colours."""
    opened.screenshot(path=path, full_page=whole)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def dashboards(browser: Browser, appliance: Appliance, folder: Path, scheme: str) -> None:
    """Each dashboard as it opens."""
    for uid in stack.DASHBOARDS:
        name = uid.removeprefix("watchfloor-")
        address = appliance.url("grafana", f"/d/{uid}?from=now-3m&to=now&refresh=off")
        with page(browser, address, color_scheme=scheme, viewport={"width": 1400, "height": 900}) as opened:
            dashboard_ready(opened)
            kept(opened, folder / f"{name}-{scheme}.png")


def inbox(browser: Browser, appliance: Appliance, folder: Path, scheme: str) -> None:
    """The inbox on a desk and on a phone, and a runbook."""
    for name, path, size in (
        ("inbox", "/", {"width": 1100, "height": 800}),
        ("inbox-phone", "/", {"width": 360, "height": 760}),
        ("runbook", "/runbooks/CriticalCPUUsage", {"width": 1100, "height": 800}),
    ):
        with page(browser, appliance.url("inbox", path), color_scheme=scheme, viewport=size) as opened:
            opened.locator("h1").first.wait_for()
            kept(opened, folder / f"{name}-{scheme}.png", whole=name != "runbook")


def stream(browser: Browser, appliance: Appliance, folder: Path, scheme: str) -> None:
    """The stream's own page, with prices that move."""
    with page(browser, appliance.url("stream", "/"), color_scheme=scheme, viewport={"width": 1280, "height": 800}) as opened:
        opened.get_by_text("BTC").first.wait_for()
        opened.wait_for_timeout(8_000)  # lines that have a length
        kept(opened, folder / f"stream-{scheme}.png", whole=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else CLONE / "docs" / "images"))
