"""``mentalft-chat`` as it is typed: what cannot be done is one message, without a traceback."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import pytest

from mentalft.cli.chat import main
from tests.recorded import recorded_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Path:
    made = recorded_run(
        tmp_path_factory.mktemp("cli") / "run", f"model.name_or_path={small_model}", "report.language=zh"
    )
    (made / "adapter" / "adapter_config.json").unlink()
    return made


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object, typed: str = "你好\n") -> int:
    monkeypatch.setattr(sys, "argv", ["mentalft-chat", *map(str, arguments)])
    monkeypatch.setattr(sys, "stdin", StringIO(typed))
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_message_through_a_pipe(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, run, "--only", "base") == 0
    seen = capsys.readouterr()
    assert seen.out.startswith("基座\n")
    assert "12356" in seen.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "holds no adapter"), (["--only", "nobody"], "nobody is no contender of this run; those"),
        (["--region", "XX"], "--region XX: no help lines"), (["--only", "base", "--web", "--port", "1"], "a free one: --port"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_message(
    arguments: list[str], message: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--web" in arguments:
        pytest.importorskip("gradio")
        monkeypatch.setattr("socket.socket.bind", _refused)
    assert called(monkeypatch, run, *arguments) == 1
    seen = capsys.readouterr()
    assert seen.out == ""
    (line,) = [line for line in seen.err.splitlines() if line.startswith("mentalft-chat: ")]
    assert message in line


def _refused(*_: object) -> None:
    raise OSError("taken")


def test_no_run_and_no_gradio_are_one_message_too(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, tmp_path) == 1
    assert "holds no config.resolved.yaml" in capsys.readouterr().err
    monkeypatch.setattr("mentalft.chat.web.find_spec", lambda name: None)
    assert called(monkeypatch, run, "--web") == 1
    assert "pip install 'mentalft[chat]'" in capsys.readouterr().err
