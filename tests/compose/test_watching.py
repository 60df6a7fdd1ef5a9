"""When a watcher kills, decided without clock, network or process."""

from compose.health import Health
from compose.supervisor import RUNNING, STARTING, Process
from compose.watching import CHECK_EVERY, DEAF_AFTER, HUNG_AFTER, Kill, Watched, look

GOOD = Health(answered=True, ok=True)
SICK = Health(answered=True, ok=False, why="HTTP 503: not ready")
SILENT = Health(answered=False, ok=False, why="no answer within 3 s")
REFUSED = Health(answered=False, ok=False, why="[errno 111] connection refused")


def running(pid: int, start: float = 0.0) -> dict[str, Process]:
    return {"a": Process("a", RUNNING, pid, start, "")}


def run(answers: list[tuple[float, Health, int]]) -> tuple[dict[str, Watched], list[tuple[float, Kill]]]:
    memory: dict[str, Watched] = {}
    kills = []
    for now, health, pid in answers:
        kills += [(now, kill) for kill in look(memory, running(pid), {"a": health}, now, ["a"])]
    return memory, kills


def test_a_service_that_answers_is_left_alone() -> None:
    memory, kills = run([(now, GOOD, 1) for now in range(0, 600, 5)])
    assert kills == []
    assert memory["a"].up
    assert memory["a"].restarts == {"exited": 0, "hung": 0}


def test_a_sick_answer_is_an_answer() -> None:
    memory, kills = run([(now, SICK, 1) for now in range(0, 600, 5)])
    assert kills == []
    assert not memory["a"].up


def test_silence_kills_once_and_in_time_for_sixty_seconds() -> None:
    silent = [(100 + now, SILENT, 1) for now in range(0, 120, 5)]
    _, kills = run([(95, GOOD, 1), *silent])
    assert [kill.pid for _, kill in kills] == [1]
    assert kills[0][0] - 95 >= HUNG_AFTER
    assert kills[0][0] - 95 + CHECK_EVERY + 3 < 60


def test_a_service_that_listens_nowhere_gets_time_to_start() -> None:
    refused = [(float(now), REFUSED, 1) for now in range(0, 200, 5)]
    _, kills = run(refused)
    assert kills[0][0] >= DEAF_AFTER
    assert len(kills) == 1


def test_a_new_process_starts_with_a_clean_sheet() -> None:
    history = [(0, GOOD, 1), *[(now, SILENT, 1) for now in range(5, 20, 5)], *[(now, SILENT, 2) for now in range(20, 40, 5)]]
    memory, kills = run(history)
    assert kills == []
    assert memory["a"].restarts == {"exited": 1, "hung": 0}


def test_a_restart_after_a_kill_is_counted_as_hung() -> None:
    history = [(0, GOOD, 1), *[(now, SILENT, 1) for now in range(5, 40, 5)], (45, GOOD, 2)]
    memory, _ = run(history)
    assert memory["a"].restarts == {"exited": 0, "hung": 1}
    assert memory["a"].up


def test_a_process_that_is_not_running_is_down_and_never_killed() -> None:
    memory: dict[str, Watched] = {}
    for now in range(0, 200, 5):
        assert look(memory, {"a": Process("a", STARTING, 0, 0, "")}, {"a": REFUSED}, now, ["a"]) == []
    assert not memory["a"].up
    assert look(memory, {}, {}, 200, ["a"]) == []
