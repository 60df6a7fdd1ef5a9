"""Which tests run in one process, and in which order: `make test` spreads files over workers, and these files keep together.

Files that stand together share servers, which a fixture of their package starts once. What is named here takes long and
comes first, so that no worker is left with it at the end. Every other file is a group of its own.
"""

from __future__ import annotations

TOGETHER = (
    (
        "tests/live/test_recovery.py",
        "tests/live/test_stack.py",
        "tests/live/test_declarations.py",
        "tests/live/test_monitoring.py",
        "tests/live/test_grafana.py",
        "tests/live/test_soak.py",
        "tests/live/test_load.py",
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
