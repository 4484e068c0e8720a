"""The front holds what nothing beats."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mentalft.show.sweep.figures import front

POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1)


@given(POINTS, st.booleans())
def test_nothing_beats_the_front_and_it_beats_the_rest(points: list[tuple[int, int]], maximize: bool) -> None:
    costs, objectives = [float(c) for c, _ in points], [float(o) for _, o in points]
    chosen = front(costs, objectives, maximize=maximize)
    quality = [o if maximize else -o for o in objectives]

    def beats(i: int, j: int) -> bool:
        return costs[i] <= costs[j] and quality[i] >= quality[j] and (costs[i], quality[i]) != (costs[j], quality[j])

    everything = range(len(points))
    assert not any(beats(i, j) for i in everything for j in chosen)
    kept = {(costs[i], quality[i]) for i in chosen}
    assert all((costs[i], quality[i]) in kept or any(beats(j, i) for j in chosen) for i in everything)
    assert len(kept) == len(chosen)
