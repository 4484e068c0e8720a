from types import SimpleNamespace
from typing import cast

import pytest

from mentalft.show.sweep.tables import Row, _score
from tests.show.sweep.fabricated import metric


@pytest.mark.parametrize(
    ("verdict", "shown"), [("better", "0.3100 ▲"), ("withheld", "0.3100"), ("diagnostic", "0.3100")]
)
def test_a_score_without_a_verdict_has_no_mark(verdict: str, shown: str) -> None:
    trial = SimpleNamespace(metrics={"cosine": metric("cosine", 0.30, 0.31, 0.02, verdict)})
    row = cast(Row, SimpleNamespace(trials=[trial]))
    assert str(_score(row, "cosine", "tuned").text).strip() == shown
