"""Each bound of the rules at its very edge: one unit less, and nothing is found."""

from __future__ import annotations

import pytest

from mentalft.metrics import integrity_rules as rules
from mentalft.words import told

UNITS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃寒来暑往秋收冬藏闰余成岁"
OTHER = "我们慢慢说先从睡前开始听听自己想要什么再看看身边有谁能帮上忙然后一步一步往前走不用着急"


@pytest.mark.parametrize(("length", "found"), [(rules.BEGINS_WITH - 1, False), (rules.BEGINS_WITH, True)])
def test_a_turn_is_repeated_from_so_many_units_on(length: int, found: bool) -> None:
    turn = UNITS[:length]
    assert (rules.echo(f"{turn}，{OTHER}", turn) is not None) is found
    assert (rules.echo(f"{OTHER}\n{turn}\n{OTHER}", turn) is not None) is found


@pytest.mark.parametrize(("length", "found"), [(rules.REPEATED - 1, False), (rules.REPEATED, True)])
def test_a_long_turn_held_in_the_middle_is_an_echo(length: int, found: bool) -> None:
    """The answer is long enough not to be an echo as a whole."""
    turn = UNITS[:length]
    assert (rules.echo(f"{OTHER}你说{turn}{OTHER}", turn) is not None) is found


@pytest.mark.parametrize(("runs", "found"), [(17, False), (18, True)])
def test_three_fifths_of_the_runs_of_a_long_turn_are_most_of_it(runs: int, found: bool) -> None:
    """A turn of 34 units has 30 runs of five; 18 of them are 0.6."""
    turn = UNITS[:34]
    assert (rules.echo(f"{OTHER}{turn[: runs + rules.RUN - 1]}{OTHER}", turn) is not None) is found


@pytest.mark.parametrize(("length", "found"), [(rules.COPIED - 1, False), (rules.COPIED, True)])
def test_an_answer_taken_from_the_turn_is_an_echo_from_so_many_units_on(length: int, found: bool) -> None:
    turn = f"{OTHER[:20]}{UNITS}"
    assert (rules.echo(UNITS[:length], turn) is not None) is found


@pytest.mark.parametrize(("own", "found"), [(5, True), (6, False)])
def test_four_fifths_of_an_answer_are_nearly_all(own: int, found: bool) -> None:
    """20 runs are the user's; with five of the answer's own they are 0.8 of 25, with six less."""
    answer = UNITS[:24] + OTHER[:own]
    assert (rules.echo(answer, f"{OTHER[20:25]}{UNITS[:24]}") is not None) is found


@pytest.mark.parametrize(("times", "found"), [(14, False), (15, True)])
def test_one_character_loops_from_fifteen_times_on(times: int, found: bool) -> None:
    assert (rules.repetition("嗯" * times) is not None) is found


@pytest.mark.parametrize(("times", "found"), [(3, False), (4, True)])
def test_a_piece_loops_where_it_follows_itself_three_times(times: int, found: bool) -> None:
    assert (rules.repetition("一起慢慢说" * times) is not None) is found


@pytest.mark.parametrize(("piece", "found"), [("甲乙丙", False), ("甲乙丙丁", True)])
def test_a_short_piece_four_times_is_no_loop(piece: str, found: bool) -> None:
    """Four times three characters are 12, four times four are 16."""
    assert (rules.repetition(f"好。{piece * 4}") is not None) is found


@pytest.mark.parametrize(("sentence", "times", "found"), [
    ("我会在这里", 3, False), ("我会在这里的", 3, True), ("我会在这里的", 2, False),
])  # fmt: skip
def test_a_sentence_of_six_characters_three_times_is_a_loop(sentence: str, times: int, found: bool) -> None:
    between = ("你先说说看", "他怎么想呢", "后来怎么样")
    text = "".join(f"{sentence}。{other}？" for other in between[:times])
    assert (rules.repetition(text) is not None) is found


def test_few_different_runs_of_four_are_a_loop() -> None:
    """40 units have 37 runs: 18 different ones are less than half, 19 are not; 39 units are too few to tell."""

    def text(period: int, length: int) -> str:
        return "，".join((UNITS[:period] * 9)[:length])

    found = rules.repetition(text(18, 40))
    assert found is not None
    assert told(found).startswith("18 different of 37 runs of four")
    assert rules.repetition(text(19, 40)) is None
    assert rules.repetition(text(18, 39)) is None


@pytest.mark.parametrize(("foreign", "own", "found"), [(4, 0, False), (5, 0, True), (6, 14, True), (6, 15, False)])
def test_five_units_and_three_tenths_are_another_language(foreign: int, own: int, found: bool) -> None:
    words = " ".join(["maybe", "you", "could", "try", "to", "rest"][:foreign])
    assert (rules.other_language(f"{UNITS[:own]} {words}", [OTHER]) is not None) is found


@pytest.mark.parametrize("length", [rules.EVIDENCE - 1, rules.EVIDENCE, rules.EVIDENCE + 1])
def test_no_more_than_so_much_of_a_turn_is_shown(length: int) -> None:
    found = rules.echo(UNITS[:length], UNITS[:length])
    assert found is not None
    assert found.values["text"] == UNITS[: min(length, rules.EVIDENCE)]


def test_the_last_twenty_characters_show_where_an_answer_was_cut() -> None:
    for length in (19, 20, 21):
        found = rules.cut(f"{UNITS[:length]}\n", "length")
        assert found is not None
        assert told(found) == f"…{UNITS[max(length - 20, 0) : length]}"


@pytest.mark.parametrize(("length", "found"), [(60, True), (61, False)])
def test_a_piece_of_up_to_sixty_characters_four_times_in_a_row_is_a_loop(length: int, found: bool) -> None:
    """Runs of four are few either way; the evidence tells which rule it was."""
    said = rules.repetition(f"{(UNITS + OTHER)[:length]}" * 4)
    assert said is not None
    assert told(said).startswith("4 times in a row") is found
