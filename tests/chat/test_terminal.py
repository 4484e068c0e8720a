"""What is seen in a terminal and what goes through a pipe."""

from __future__ import annotations

import builtins
import signal
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from mentalft.chat.session import Session
from mentalft.chat.terminal import CONTROL, Terminal
from mentalft.console import console, set_language
from mentalft.errors import ConfigError, DataError
from mentalft.runs.files import VOTES

Talk = Callable[..., str]


@pytest.fixture
def talk(session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Talk:
    """Types lines, then ends; what was seen. A line that is an exception is raised."""

    def talk(*lines: str | BaseException, width: int = 80) -> str:
        typed = iter([*lines, EOFError()])

        def line(prompt: str) -> str:
            given = next(typed)
            print(prompt, given)
            if isinstance(given, BaseException):
                raise given
            return given

        monkeypatch.setattr(builtins, "input", line)
        monkeypatch.setattr(console, "width", width)
        Terminal(session, "CN", interactive=True).run()
        return capsys.readouterr().out

    return talk


@pytest.fixture
def piped(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Any]:
    def piped(text: str) -> Any:
        monkeypatch.setattr("sys.stdin", StringIO(text))
        Terminal(session, "CN", interactive=False).run()
        return capsys.readouterr()

    return piped


def test_answers_stand_side_by_side_where_there_is_room(talk: Talk) -> None:
    def beside(seen: str) -> bool:
        return any(line.split() == ["base", "tuned"] for line in seen.splitlines())

    assert beside(talk("你好", width=120))
    assert not beside(talk("你好", width=80))


def test_wide_characters_stay_within_their_column(session: Session, talk: Talk) -> None:
    session.set("max_new_tokens", "64")
    answers = talk("你好", width=120).partition("tuned")[2]
    assert max(map(cell_len, answers.splitlines())) <= 120


def test_help_is_named_first_and_where_a_message_shows_risk(talk: Talk) -> None:
    set_language("zh")
    opening, _, rest = talk("今天天气好", "我不想活了").partition("您>")
    assert "12356" in opening
    assert rest.count("12356") == 1


def test_a_blind_conversation_asks_for_votes(session: Session, talk: Talk, tmp_path: Path) -> None:
    seen = talk("/blind", "你好", "what?", "l", "再说", "/blind", "你好")
    hidden = seen.partition("Left was")[0].partition("A new conversation")[2]
    assert "left" in hidden
    assert "tuned" not in hidden
    assert "what? is none of left, right, tie" in " ".join(seen.split())
    assert [vote.choice for vote in VOTES.load(tmp_path)] == ["left"]
    assert "Left was" in seen


def test_ctrl_c_ends_the_answer_and_not_the_program(
    session: Session, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = session.voices[0].engine
    stream = engine.stream

    def interrupted(*given: Any) -> Any:
        for response in stream(*given):
            signal.raise_signal(signal.SIGINT)
            yield response

    monkeypatch.setattr(engine, "stream", interrupted)
    seen = talk("你好", KeyboardInterrupt(), "/again", "/quit", "never typed")
    assert seen.count("(stopped)") == 4
    assert "Ctrl-D or /quit ends" in seen


def test_commands(session: Session, talk: Talk, tmp_path: Path) -> None:
    seen = talk(
        "/only tuned", "你好", "/system 你是猫", "/set temperature 0.7", "/set seed=5", "/set top_p 2", f"/save {tmp_path / 'a.jsonl'}",
        "/only", "/nothing", "/help", "/reset",
    )  # fmt: skip
    seen = " ".join(seen.split())
    assert "asked from now on: tuned" in seen
    assert (session.system, session.value("temperature"), session.value("seed")) == ("你是猫", 0.7, 5)
    assert "top_p must be above 0 and at most 1, got 2" in seen
    assert (tmp_path / "a.jsonl").is_file()
    assert "/nothing is no command; there are /blind" in seen
    assert "hide who is who" in seen
    assert session.turn == 0


def test_a_pipe_gets_plain_answers_and_notices_go_elsewhere(session: Session, piped: Callable[[str], Any]) -> None:
    seen = piped("你好\n\n/only base\n在吗\n")
    base, tuned = (session.histories[name] for name in ("base", "tuned"))
    assert seen.out.startswith(f"base\n{base[1].content}")
    assert tuned[1].content in seen.out
    assert base[3].content in seen.out
    assert "12356" in seen.err
    assert "12356" not in seen.out
    assert "\x1b" not in seen.out


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_pipe_without_a_message_is_one_message(piped: Callable[[str], Any], text: str) -> None:
    with pytest.raises(DataError, match="no message on standard input"):
        piped(text)


@pytest.mark.parametrize(("line", "message"), [("/blind", "needs a terminal"), ("/foo", "no command")])
def test_a_pipe_ends_at_a_mistake(piped: Callable[[str], Any], line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        piped(f"{line}\n你好\n")


def test_an_answer_cannot_steer_the_terminal() -> None:
    assert CONTROL.sub("", "a\x1b[2Jb\rc\x9bd\n\te　f") == "a[2Jbcd\n\te　f"
