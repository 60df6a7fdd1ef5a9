"""The page of examples is what a real Alertmanager sends now; `make notify-examples` writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts import versions
from settings.paths import CLONE
from tests.alerts.examples import PAGE, PICTURES, got, sections, written

TEXT = (CLONE / "docs" / PAGE).read_text(encoding="utf-8")
WRITTEN_WITH = f"Alertmanager {'.'.join(map(str, versions.installed()))} with"


@pytest.mark.skipif(WRITTEN_WITH not in TEXT, reason="other versions of Alertmanager send other fields")
def test_the_page_of_examples_is_what_is_sent(tmp_path: Path) -> None:
    found = sections(got(tmp_path), tmp_path)
    assert written(found) == TEXT, "run `make notify-examples`"


def test_every_kind_of_receiver_has_its_section_and_the_mails_their_pictures() -> None:
    titles = {line.removeprefix("## ") for line in TEXT.splitlines() if line.startswith("## ")}
    assert titles == {"E-mail", "Slack", "PagerDuty", "Generic webhook", "Teams", "Telegram"}
    assert all((CLONE / "docs" / "images" / name).is_file() for name in PICTURES.values())
