"""The conversation: everybody gets the same message and keeps an own history; votes tell nothing of who is who."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mentalft.chat.session import Piece, Session
from mentalft.errors import ConfigError, DataError, UserError
from mentalft.files import read_jsonl
from mentalft.generation.streaming import STOPPED
from mentalft.records import Prompt
from mentalft.runs.files import VOTES
from mentalft.words import told

NAMES = ["base", "tuned"]


def said(pieces: Iterator[Piece]) -> list[str]:
    """The whole answers, from left to right."""
    last = {piece.column: piece.response.text for piece in pieces}
    return [last[column] for column in sorted(last)]


def contents(session: Session, name: str) -> list[str]:
    return [message.content for message in session.histories[name]]


def test_answers_are_those_of_an_evaluation(session: Session) -> None:
    answers = said(session.ask("我最近睡不着"))
    assert answers[0] != answers[1]
    for voice, answer in zip(session.voices, answers, strict=True):
        tokens = voice.builder.prompt(session.histories[voice.name][:1])
        (asked,) = voice.engine.ask(voice.contender, [Prompt("x", "x", tokens)])
        assert answer == asked.text


def test_everybody_has_an_own_history(session: Session) -> None:
    first, second = said(session.ask("你好")), said(session.ask("还在吗"))
    for column, name in enumerate(NAMES):
        assert contents(session, name) == ["你好", first[column], "还在吗", second[column]]
    session.reset()
    assert session.histories == {"base": (), "tuned": ()}


def test_again_takes_the_place_of_the_last_answer(session: Session) -> None:
    with pytest.raises(DataError, match="no message yet"):
        next(session.again())
    session.set("temperature", "5")
    first = said(session.ask("你好"))
    other = said(session.again())
    assert first != other
    assert contents(session, "base") == ["你好", other[0]]
    assert (session.turn, session.attempt) == (1, 2)
    said(session.ask("还在吗"))
    assert (session.turn, session.attempt) == (2, 1)


def test_a_stopped_answer_stays_as_far_as_it_came(session: Session) -> None:
    found: dict[int, Piece] = {}
    for piece in session.ask("你好"):
        if piece.column == 0:
            session.stop()
        found[piece.column] = piece
    assert found[0].response.finish_reason == STOPPED
    assert found[1].response.finish_reason != STOPPED
    assert contents(session, "base")[1:] == list(filter(None, [found[0].response.text]))
    assert told(session.remark(found[0].response)) == "(stopped)"


def test_what_does_not_fit_changes_nothing(session: Session) -> None:
    first = said(session.ask("你好"))
    with pytest.raises(DataError, match=r"data\.max_length=128"):
        said(session.ask("很长" * 200))
    assert contents(session, "base") == ["你好", first[0]]
    assert session.turn == 1


def test_old_messages_that_no_longer_fit_are_counted(session: Session) -> None:
    left_out = [[piece.left_out for piece in session.ask("我" * 40)][-1] for _ in range(4)]
    assert left_out[0] == 0
    assert left_out[-1] > 0


def test_the_system_message_is_told_to_everybody(session: Session) -> None:
    plain = said(session.ask("你好"))
    session.reset()
    session.system = "你是一只猫。"
    assert said(session.ask("你好")) != plain
    assert contents(session, "base")[0] == "你好"


def test_settings_of_decoding(session: Session) -> None:
    session.set("temperature", "0.7")
    session.set("top_p", "0.9")
    session.set("max_new_tokens", "4")
    session.set("seed", "7")
    assert str(session.decoding) == "sampled, temperature=0.7, top_p=0.9, top_k=0, seed=7, max_new_tokens=4"
    session.set("temperature", "0")
    assert str(session.decoding) == "greedy, max_new_tokens=4"
    assert [session.value(key) for key in ("temperature", "seed")] == [0, 7]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("temperature", "-1", "temperature must be above 0"), ("temperature", "warm", "a number, got warm"),
        ("top_p", "1.5", "top_p must be above 0 and at most 1"), ("seed", "1.5", "a whole number, got 1.5"),
        ("max_new_tokens", "", "got nothing"), ("temperature", "nan", "must be a number"), ("colour", "1", "the settings are"),
    ],
)  # fmt: skip
def test_a_setting_out_of_bounds_is_one_message(session: Session, key: str, value: str, message: str) -> None:
    before = session.decoding
    with pytest.raises(ConfigError, match=message):
        session.set(key, value)
    assert session.decoding == before


def test_those_who_are_asked(session: Session) -> None:
    session.only(["tuned"])
    said(session.ask("你好"))
    assert not session.histories["base"]
    session.only([])
    assert [voice.name for voice in session.columns] == NAMES
    with pytest.raises(ConfigError, match="nobody is not among"):
        session.only(["nobody"])


def test_a_blind_vote_is_kept_without_text(session: Session, tmp_path: Path) -> None:
    session.set_blind(True)
    with pytest.raises(DataError, match="no two whole answers"):
        session.vote("left")
    assert [told(title) for title in session.titles] == ["left", "right"]
    answers = said(session.ask("这是一个秘密"))
    session.vote("right")
    with pytest.raises(DataError, match="no two whole answers"):
        session.vote("left")
    (vote,) = VOTES.load(tmp_path)
    assert vote.order == tuple(voice.name for voice in session.columns)
    assert (vote.choice, vote.turn, vote.attempt, vote.conversation) == ("right", 1, 1, session.id)
    assert vote.decoding == "greedy, max_new_tokens=8"
    assert " + " in vote.models["tuned"]
    text = (tmp_path / "votes.jsonl").read_text(encoding="utf-8")
    assert not any(hidden in text for hidden in ("秘密", *filter(None, answers)))
    with pytest.raises(ConfigError, match="nobody is named"):
        session.only(["base"])
    told_at_end = told(session.set_blind(False))
    assert f"Left was {vote.order[0]}, right was {vote.order[1]}" in told_at_end
    assert f"{vote.order[1]}: 1" in told_at_end
    assert [voice.name for voice in session.columns] == NAMES
    assert not session.histories["base"]


def test_the_order_is_drawn_for_each_blind_conversation(session: Session) -> None:
    session.set_blind(True)
    orders = set()
    for _ in range(40):
        session.reset()
        orders.add(tuple(voice.name for voice in session.columns))
    assert len(orders) == 2


def test_a_stopped_answer_is_not_voted_on(session: Session) -> None:
    session.set_blind(True)
    for _ in session.ask("你好"):
        session.stop()
    assert not session.can_vote


def test_blind_is_between_two(session: Session) -> None:
    session.only(["base"])
    with pytest.raises(ConfigError, match="between two, and 1 are asked"):
        session.set_blind(True)
    assert told(session.set_blind(False)) == "the conversation is not blind"


def test_votes_of_several_at_once_are_all_kept(begin: Callable[..., Session], tmp_path: Path) -> None:
    def vote(_: int) -> None:
        session = begin()
        session.set_blind(True)
        session.can_vote = True
        session.vote("tie")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(vote, range(12)))
    assert len(VOTES.load(tmp_path)) == 12


def test_nothing_is_stored_unless_asked(session: Session, tmp_path: Path) -> None:
    said(session.ask("你好"))
    assert not any(tmp_path.iterdir())


def test_a_saved_conversation_is_data(session: Session, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing was said"):
        session.save()
    session.system = "请用中文回答。"
    said(session.ask("你好"))
    path = session.save()
    assert path.parent == tmp_path / "chats"
    rows = list(read_jsonl(path))
    assert [row["contender"] for row in rows] == NAMES
    assert [message["role"] for message in rows[1]["messages"]] == ["system", "user", "assistant"]
    said(session.ask("还在吗"))
    assert session.save() == path
    assert len(next(read_jsonl(path))["messages"]) == 5


def test_another_file_is_never_overwritten(session: Session, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.jsonl"
    theirs.write_text("theirs")
    said(session.ask("你好"))
    with pytest.raises(UserError, match="left as it is"):
        session.save(theirs)
    assert theirs.read_text() == "theirs"


def test_a_kept_conversation_is_written_as_it_goes(begin: Callable[..., Session], tmp_path: Path) -> None:
    session = begin(keep=True)
    said(session.ask("你好"))
    (path,) = (tmp_path / "chats").iterdir()
    session.reset()
    said(session.ask("在吗"))
    assert len(list((tmp_path / "chats").iterdir())) == 2
    assert next(read_jsonl(path))["messages"][0] == {"role": "user", "content": "你好"}
