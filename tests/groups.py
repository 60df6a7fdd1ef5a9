"""Which tests run in one process, and in which order: `make test` spreads files over workers, and these files keep together.

Files that stand together share servers, which a fixture of their package starts once. What is named here takes long and
comes first, so that no worker is left with it at the end. Every other file is a group of its own.

A group that starts a whole appliance has some twenty processes, at times that are cut to a tenth: of these, `AT_ONCE` run at a
time while there is anything else to do. Four of them on two processors miss scrapes, and tell of it as they should.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

TOGETHER = (
    (
        "tests/live/test_recovery.py",
        "tests/live/test_stack.py",
        "tests/live/test_declarations.py",
        "tests/live/test_monitoring.py",
        "tests/live/test_grafana.py",
        "tests/live/test_soak.py",
        "tests/live/test_load.py",
        "tests/live/test_tokens.py",
        "tests/live/panels/test_targets.py",
        "tests/live/test_pages.py",
        "tests/live/test_runbooks.py",
    ),
    (
        "tests/security/test_signing_on.py",
        "tests/security/test_requests.py",
        "tests/security/test_leaks.py",
        "tests/security/test_rotating.py",
    ),
    ("tests/live/test_reload.py",),
    ("tests/live/test_start.py",),
    (
        "tests/dashboards/preview/test_browser.py",
        "tests/dashboards/preview/test_browser_kinds.py",
        "tests/dashboards/preview/test_service.py",
        "tests/dashboards/preview/test_snapshot.py",
    ),
    ("tests/live/test_feed.py",),
    ("tests/stream/edge/test_page.py",),
    ("tests/stream/edge/test_client.py",),
    ("tests/alerts/inbox/test_browser.py",),
    ("tests/live/test_drill.py",),
    ("tests/contracts/test_check.py",),
)
AT_ONCE = 2
# Folders whose files start an appliance.
_HEAVY = ("tests/chaos/", "tests/live/", "tests/security/")
_RANKS = {file: rank for rank, files in enumerate(TOGETHER) for file in files}


def file_of(test: str) -> str:
    """The file of a test's id."""
    return test.partition("::")[0]


def rank(test: str) -> tuple[int, int]:
    """The place of a test's group, and of its file within that: tests of a lower one run first."""
    file = file_of(test)
    place = _RANKS.get(file, len(TOGETHER))
    return place, TOGETHER[place].index(file) if file in _RANKS else 0


def group(test: str) -> str:
    """The name of a test's group: the first of its files."""
    file = file_of(test)
    return TOGETHER[_RANKS[file]][0] if file in _RANKS else file


def heavy(name: str) -> bool:
    """Whether the group of that name starts an appliance."""
    return name.startswith(_HEAVY)


def choice(waiting: Sequence[str], running: Collection[str]) -> str:
    """Which of the groups that wait comes next, while other workers run those: the first that is not one appliance too many.

    Where all that wait are, the first: a worker that waited for another to end would never be asked again.
    """
    full = sum(map(heavy, running)) >= AT_ONCE
    return next((name for name in waiting if not (full and heavy(name))), waiting[0])
