"""When a watcher kills, decided without clock, network or process."""

from pathlib import Path

from compose.health import Health
from compose.supervisor import RUNNING, STARTING, Process
from compose.watcher import Watcher
from compose.watching import ANSWER_WITHIN, CHECK_EVERY, DEAF_AFTER, HUNG_AFTER, Kill, Watched, look
from metrics import stack
from metrics.model import Metric
from settings import Paths, Site

GOOD = Health(answered=True, ok=True)
SICK = Health(answered=True, ok=False, why="HTTP 503: not ready")
SILENT = Health(answered=False, ok=False, silent=True, why="no answer within 3 s")
REFUSED = Health(answered=False, ok=False, why="[errno 111] connection refused")


def running(pid: int, start: float = 0.0) -> dict[str, Process]:
    return {"a": Process("a", RUNNING, pid, start, "")}


def run(looks: list[tuple[Health, int]]) -> tuple[dict[str, Watched], list[tuple[int, Kill]]]:
    """Looks in turn, each an answer and a process id; who was killed at which look."""
    memory: dict[str, Watched] = {}
    kills = []
    for number, (health, pid) in enumerate(looks):
        kills += [(number, kill) for kill in look(memory, running(pid), {"a": health}, ["a"])]
    return memory, kills


def test_a_service_that_answers_is_left_alone() -> None:
    memory, kills = run([(GOOD, 1)] * 100)
    assert kills == []
    assert memory["a"].up
    assert memory["a"].restarts == {"exited": 0, "hung": 0}


def test_a_sick_answer_is_an_answer() -> None:
    memory, kills = run([(SICK, 1)] * 100)
    assert kills == []
    assert not memory["a"].up


def test_silence_kills_once() -> None:
    _, kills = run([(GOOD, 1), *[(SILENT, 1)] * 20])
    assert [(number, kill.pid) for number, kill in kills] == [(HUNG_AFTER, 1)]


def test_even_behind_a_hung_watcher_it_is_back_within_60_seconds() -> None:
    one_hang = CHECK_EVERY * HUNG_AFTER + ANSWER_WITHIN
    start_again = 2.0
    assert 2 * (one_hang + start_again) < 60


def test_an_answer_between_ends_the_count() -> None:
    _, kills = run([*[(SILENT, 1)] * (HUNG_AFTER - 1), (GOOD, 1)] * 10)
    assert kills == []


def test_a_service_that_listens_nowhere_gets_time_to_start() -> None:
    _, kills = run([(REFUSED, 1)] * 30)
    assert [number for number, _ in kills] == [DEAF_AFTER - 1]


def test_a_new_process_starts_with_a_clean_sheet() -> None:
    memory, kills = run([(GOOD, 1), *[(SILENT, 1)] * (HUNG_AFTER - 1), *[(SILENT, 2)] * (HUNG_AFTER - 1)])
    assert kills == []
    assert memory["a"].restarts == {"exited": 1, "hung": 0}


def test_a_restart_after_a_kill_is_counted_as_hung() -> None:
    memory, _ = run([(GOOD, 1), *[(SILENT, 1)] * HUNG_AFTER, (GOOD, 2)])
    assert memory["a"].restarts == {"exited": 0, "hung": 1}
    assert memory["a"].up


def test_a_process_that_is_not_running_is_down_and_never_killed() -> None:
    memory: dict[str, Watched] = {}
    for _ in range(40):
        assert look(memory, {"a": Process("a", STARTING, 0, 0, "")}, {"a": REFUSED}, ["a"]) == []
    assert not memory["a"].up
    assert look(memory, {}, {}, ["a"]) == []


def test_a_service_that_never_ran_is_told_as_down_from_the_first_look_on(tmp_path: Path) -> None:
    watcher = Watcher(Site(), Paths(tmp_path), "services")

    def told(metric: Metric) -> dict[tuple[str, ...], object]:
        return {labels: value for found, labels, value in watcher.samples() if found is metric}

    assert set(told(stack.SERVICE_UP)) == {("supervisord",)}
    look(watcher.memory, {}, {}, watcher.memory)
    assert {labels[0] for labels, value in told(stack.SERVICE_UP).items() if value == 0} == set(watcher.memory)
    assert told(stack.SERVICE_START_TIME) == {}
