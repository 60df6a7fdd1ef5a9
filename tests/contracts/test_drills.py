"""Every alert has a drill or a reason why not; docs/drills.md says the same. The drills themselves: `make drill`."""

from __future__ import annotations

from fnmatch import fnmatch

from tests.contracts import rendered
from tests.drills.catalogue import DRILLS, NOT_DRILLED
from tests.drills.report import FILE, demanded, page, recorded

ALERTS = {str(rule["alert"]) for rule in rendered.rules() if "alert" in rule}
DRILLED = {drill.alert for drill in DRILLS}
LEAST = 70
SHARE = 0.9  # of the alerts that a best-in-class set asks for


def test_each_alert_has_a_drill_or_a_reason() -> None:
    without = sorted(ALERTS - DRILLED)
    assert [name for name in without if not any(fnmatch(name, pattern) for pattern in NOT_DRILLED)] == []


def test_no_alert_has_both() -> None:
    assert [name for name in sorted(DRILLED) if any(fnmatch(name, pattern) for pattern in NOT_DRILLED)] == []


def test_each_drill_is_of_an_alert_and_there_is_one_of_each() -> None:
    assert sorted(DRILLED - ALERTS) == []
    assert len(DRILLED) == len(DRILLS)
    assert sorted({name for drill in DRILLS for name in drill.beside} - ALERTS) == []
    assert all(drill.what for drill in DRILLS)


def test_drills_do_not_get_lost() -> None:
    assert len(DRILLED) >= LEAST


def test_nine_of_ten_demanded_alerts_were_seen_to_fire() -> None:
    """By their rows, which only a drill that passed has written."""
    wanted = demanded()
    seen = wanted & {*recorded(FILE.read_text(encoding="utf-8")).scaled, "Watchdog"}
    assert len(seen) >= SHARE * len(wanted), sorted(wanted - seen)


def test_the_page_is_of_these_drills() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert page(recorded(text)) == text, "run `make generate`"
