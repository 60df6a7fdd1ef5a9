"""A process that stands by while another holds the lease keeps no more of the past than its horizons reach."""

from __future__ import annotations

import pytest

from stream.analysis.engine import SAMPLES
from stream.analysis.models import KINDS
from tests.stream.analysis.world import SYMBOLS, World


def held(world: World) -> int:
    """Samples that wait for their outcome."""
    return sum(len(pending) for pending in world.engine._pending.values())


def test_what_nobody_will_learn_from_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(horizons=(20,))
    monkeypatch.setattr(type(world.engine), "learn", lambda *_: 0)
    most = len(KINDS) * len(SYMBOLS) * (SAMPLES + 1)
    for _ in range(300):
        world.step()
    assert held(world) > most, "without standing by they pile up"
    for _ in range(40):
        world.step()
        world.engine.pass_over(world.now)
        assert held(world) <= most
    assert held(world) > 0, "those that are still to be judged stay, for a turn that may come"
