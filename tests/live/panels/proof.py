"""The long form's work: what every query is answered, what moves those that stand at 0, and which mutants are caught."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from tests.contracts import panels
from tests.contracts.mutants import Kind, Mutant, mutants
from tests.contracts.promql import UndeclaredError
from tests.contracts.rendered import Query
from tests.drills import catalogue
from tests.drills.drill import Drill
from tests.live.panels import movers, silent
from tests.live.panels.alive import Alive
from tests.live.panels.asking import Asked, ask
from tests.live.panels.faults import FAULTS, World
from tests.waiting import until

_PATIENCE = 60.0
_HOLD, _AFTER = 15.0, 6.0  # seconds that a fault lasts at most, and that its traces are looked for afterwards
_KINDS: tuple[Kind, ...] = ("metric", "label", "value")


@dataclass
class Finding:
    """What was found of one query."""

    place: str
    board: str
    expr: str
    has_data: bool = False
    standing: bool = False  # at 0, or silent, in the normal run
    moved_by: str = ""
    reason: str = ""  # why it has no data, or why nothing moves it

    @property
    def proven(self) -> bool:
        """Whether it has data, and moves or says why not."""
        return self.has_data and (not self.standing or bool(self.moved_by or self.reason))


@dataclass
class Mutants:
    """How many were made and caught, by kind; those that were not."""

    made: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    by_contract: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    by_stack: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    survived: list[str] = field(default_factory=list)


def complete(world: World, say: Callable[[str], None]) -> list[Asked]:
    """Every query's answer, asked until none lacks data that no fault brings; what is still lacking then is in the report."""
    newest: list[Asked] = []
    lacking: list[str] = []

    def done() -> bool:
        newest[:] = ask(world.appliance)
        excused = silent.reasons(world.appliance, newest, long=True)
        lacking[:] = [
            one.place for one in newest if not one.has_data and one.place not in excused and not movers.movers(one.expr)
        ]
        return not lacking

    try:
        until("every query has data", done, _PATIENCE, 2)
    except AssertionError as error:
        say(f"{error}: {', '.join(lacking)}")
    return newest


def findings(world: World, asked: list[Asked]) -> dict[str, Finding]:
    """By place, before any fault."""
    excused = silent.reasons(world.appliance, asked, long=True)
    found = {}
    for one in asked:
        standing = one.is_zero or not one.has_data
        reason = excused.get(one.place, "") or (movers.unmoved(one.expr) if standing else "")
        found[one.place] = Finding(one.place, one.board, one.expr, one.has_data, standing, reason=reason)
    return found


def move(
    world: World, found: dict[str, Finding], say: Callable[[str], None], only: Collection[str] = (), *,
    after: Callable[[], None] = lambda: None, note: str = "",
) -> None:  # fmt: skip
    """Does each fault, or those of `only`, that moves a standing query, until all of its queries have moved; notes what did.

    `after` is called after each; `note` is written after the name of what has moved one.
    """
    for name, fault in _faults():
        if only and name not in only:
            continue
        wanted = {one.place for one in found.values() if _stands(one) and name in movers.movers(one.expr)}
        if not wanted:
            continue
        say(f"{name}: {len(wanted)} queries")
        try:
            with fault(world):
                _look(world, found, name + note, wanted, _HOLD)
            _look(world, found, name + note, wanted, _AFTER)
        except Exception as error:  # noqa: BLE001  # one fault that cannot be made here leaves the others their turn
            say(f"  {type(error).__name__}: {error}")
        after()


def once_more(world: World, found: dict[str, Finding]) -> None:
    """Asks those without data again: some come with time, as the drift of a model's figures."""
    for one in ask(world.appliance, only={place for place, one in found.items() if not one.has_data}):
        found[one.place].has_data |= one.has_data


def _stands(one: Finding) -> bool:
    return one.standing and not one.moved_by


def _faults() -> Iterator[tuple[str, Callable[[World], AbstractContextManager[None]]]]:
    for drill in catalogue.DRILLS:
        yield drill.alert, partial(_drilled, drill)
    yield from FAULTS.items()


def _drilled(drill: Drill, world: World) -> AbstractContextManager[None]:
    return drill.fault(world.appliance)


def _look(world: World, found: dict[str, Finding], name: str, wanted: set[str], seconds: float) -> None:
    """Asks until the wanted queries have moved, and notes all others that moved meanwhile."""
    end = time.monotonic() + seconds
    while any(_stands(found[place]) for place in wanted) and time.monotonic() < end:
        standing = {place for place, one in found.items() if _stands(one)}
        for one in ask(world.appliance, only=standing):
            if one.has_data and not one.is_zero:
                moved = name if one.place in wanted else f"by itself, while: {name}"
                found[one.place].moved_by, found[one.place].has_data = moved, True
        time.sleep(0.5)


def catch(world: World, asked: list[Asked]) -> dict[str, Mutants]:
    """Each query's mutants, by dashboard: caught by the contract, or by the running stack, or not at all."""
    alive = Alive(world.appliance)
    made: dict[str, Mutants] = {}
    for one in asked:
        counted = made.setdefault(one.board, Mutants())
        for mutant, sent in broken(one):
            counted.made[mutant.kind] += 1
            if by_contract(one, mutant):
                counted.by_contract[mutant.kind] += 1
            elif by_stack(alive, one, sent):
                counted.by_stack[mutant.kind] += 1
            else:
                counted.survived.append(_named(one, mutant))
    return made


def catch_again(world: World, asked: list[Asked], made: dict[str, Mutants]) -> None:
    """Tries the survivors once more: a query that had no data at first hides what its mutants select."""
    alive = Alive(world.appliance)
    for one in asked:
        counted = made[one.board]
        if not any(word.startswith(f"{one.place}: ") for word in counted.survived):
            continue
        for mutant, sent in broken(one):
            if _named(one, mutant) in counted.survived and by_stack(alive, one, sent):
                counted.survived.remove(_named(one, mutant))
                counted.by_stack[mutant.kind] += 1


def _named(one: Asked, mutant: Mutant) -> str:
    return f"{one.place}: {mutant.kind} {mutant.word}"


def broken(one: Asked) -> Iterator[tuple[Mutant, str]]:
    """Each mutant of a query as the dashboard would have it, and as it is sent with the variables put in."""
    yield from zip(mutants(one.expr), (mutant.expr for mutant in mutants(one.query.expr)), strict=True)


def by_stack(alive: Alive, one: Asked, sent: str) -> bool:
    """Whether a mutant selects nothing, or excludes nothing, while the query itself does."""
    return bool(alive.idle(sent)) and not alive.idle(one.query.expr)


def by_contract(one: Asked, mutant: Mutant) -> bool:
    """Whether the contract refuses a mutant."""
    try:
        panels.check(Query(one.place, mutant.expr, one.query.target.legend_format, one.variables))
    except UndeclaredError:
        return True
    return False
