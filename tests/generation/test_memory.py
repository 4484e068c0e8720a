"""Where memory runs out half as much is done at a time, nothing twice and nothing left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from mentalft.errors import UserError
from mentalft.generation.memory import in_batches


def doubled(room: int, tried: list[int]) -> Callable[[Sequence[int]], list[int]]:
    def work(batch: Sequence[int]) -> list[int]:
        tried.append(len(batch))
        if len(batch) > room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [2 * row for row in batch]

    return work


def test_the_rest_goes_on_in_halves(capsys: pytest.CaptureFixture[str]) -> None:
    tried: list[int] = []
    found = list(in_batches(range(10), 8, doubled(3, tried), "references", "…"))
    assert found == [2 * n for n in range(10)]
    assert tried == [8, 4, 2, 2, 2, 2, 2]
    assert "out of memory; going on with 2 references at a time" in capsys.readouterr().out


def test_one_that_does_not_fit_is_said_with_the_mend() -> None:
    with pytest.raises(UserError, match="out of memory with a single one of the references; lower it"):
        list(in_batches(range(3), 2, doubled(0, []), "references", "lower it"))


def test_another_error_is_none_of_its_business() -> None:
    def work(batch: Sequence[int]) -> list[int]:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        list(in_batches(range(3), 2, work, "references", "…"))
