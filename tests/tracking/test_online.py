"""W&B online, against a stand-in on the loopback: whatever the server does, the run goes on and ends in time."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mentalft.errors import UserError
from mentalft.tracking import Tracker
from mentalft.tracking.workspace import save_workspace
from tests.tracking.test_tracker import CHOICES, CONFIG, settings, track
from tests.tracking.wandb_server import WandbServer

KEY = "a" * 40


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    found = WandbServer()
    use(found.url, monkeypatch)
    yield found
    found.close()
    forget()


def use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", url)


def forget() -> None:
    import wandb

    wandb.teardown()


def kept_offline(run_dir: Path, said: str, reason: str) -> None:
    forget()
    (folder,) = run_dir.glob("wandb/offline-run-*")
    (line,) = said.splitlines()
    assert line.startswith("W&B: offline (no connection: ")
    assert reason in line
    assert line.endswith(f"to upload later: wandb sync {folder}")
    assert next(folder.glob("*.wandb")).stat().st_size > 1000
    assert KEY not in "".join(p.read_text(errors="replace") for p in run_dir.rglob("*") if p.is_file())


def test_curves_summary_and_end_reach_the_server(
    server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track(settings(), tmp_path)
    said = capsys.readouterr().out
    assert said.startswith("W&B: http://127.0.0.1:")
    assert len(said.splitlines()) == 1
    first = server.upserts[0]
    assert (first["jobType"], first["groupName"], first["tags"]) == (
        "train+evaluate", "2026-11-23-14-22-01", ["mine", "sample", "tiny"],
    )  # fmt: skip
    assert not [key for key in ("host", "program", "repo", "commit") if first.get(key)], "nothing of the machine"
    assert [row["train/loss"] for row in server.history() if "train/loss" in row] == [0.375, 0.25, 0.5]
    assert any(body.get("complete") for body in server.streamed)


def test_a_run_that_is_continued_is_the_same_run(server: WandbServer, tmp_path: Path) -> None:
    for _ in range(2):
        tracker = Tracker(settings(), tmp_path)
        tracker.start(CONFIG, CHOICES)
        tracker.finish()
    assert len(server.runs) == 1


def test_the_command_that_is_said_uploads_what_was_kept(
    server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track(settings("offline"), tmp_path)
    forget()
    _, _, command = capsys.readouterr().out.strip().partition("to upload later: wandb ")
    wandb = str(Path(sys.executable).with_name("wandb"))
    done = subprocess.run([wandb, *shlex.split(command)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [row["train/loss"] for row in server.history() if "train/loss" in row] == [0.375, 0.25, 0.5]


def test_a_wrong_key(server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.behaviour = "refuse"
    track(settings(), tmp_path)
    kept_offline(tmp_path, capsys.readouterr().out, "")


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use("http://127.0.0.1:9", monkeypatch)
    track(settings(), tmp_path)
    kept_offline(tmp_path, capsys.readouterr().out, "")


def test_a_server_that_hangs(server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.behaviour = "hang"
    track(settings(), tmp_path)
    kept_offline(tmp_path, capsys.readouterr().out, "")


def test_a_server_that_is_lost_in_the_middle(
    server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = Tracker(settings(), tmp_path)
    tracker.start(CONFIG, CHOICES)
    server.behaviour = "hang"
    tracker.log({"train/step": 1, "train/loss": 0.375})
    tracker.finish()
    (folder,) = tmp_path.glob("wandb/run-*")
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"W&B: not all was uploaded within 3 s; to upload what was kept: wandb sync --include-online {folder}"
    )


def test_a_workspace_is_saved_and_what_prevents_it_is_one_line(
    server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb_workspaces")
    assert save_workspace("team/mentalft").startswith(f"{server.url}/team/mentalft")
    (view,) = server.views
    assert (view["entityName"], view["projectName"]) == ("team", "mentalft")
    assert "config:lora/r.value" in view["spec"]
    server.behaviour = "refuse"
    with pytest.raises(UserError, match=r"W&B did not take the workspace: .*access to team/mentalft") as refused:
        save_workspace("team/mentalft")
    assert len(str(refused.value).splitlines()) == 1
    forget()
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(UserError, match="there is no API key; set WANDB_API_KEY"):
        save_workspace("team/mentalft")
