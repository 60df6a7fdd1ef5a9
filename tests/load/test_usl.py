"""The law finds again what it was made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.load.usl import Law, fit

COUNTS = (1, 2, 3, 4, 6, 8)


@given(st.floats(1, 1e6), st.floats(0.001, 0.5), st.floats(0.0001, 0.1))
def test_it_finds_its_parameters_again(one: float, contention: float, coherence: float) -> None:
    law = Law(one, contention, coherence)
    found = fit([(count, law.at(count)) for count in COUNTS])
    assert (found.one, found.contention, found.coherence) == pytest.approx((one, contention, coherence), rel=1e-4)
    assert max(map(abs, found.residuals)) < 1e-6
    most, rate = found.limit
    assert rate >= max(law.at(count) for count in range(1, 200)) * 0.999
    assert rate == pytest.approx(law.at(most), rel=1e-4)


def test_linear_growth_has_no_end() -> None:
    law = fit([(count, 1000.0 * count * (1 + 0.01 * (count % 2))) for count in COUNTS])
    assert law.contention >= 0
    assert law.coherence == 0


def test_two_points_are_too_few() -> None:
    with pytest.raises(ValueError, match="three numbers"):
        fit([(1, 1.0), (2, 2.0), (2, 2.0)])
