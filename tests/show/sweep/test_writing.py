"""The files of a sweep: whole, alike, quick to leave alone, and safe from what trials and overrides hold."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import pytest

from mentalft.files import read_json
from mentalft.show.sweep.writing import OUTPUTS, write_sweep
from mentalft.words import catalogue
from tests.show.sweep.fabricated import make_plan, make_trial


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six trials of which one failed and one is running."""
    sweep_dir = tmp_path_factory.mktemp("sweeps") / "grid"
    make_plan(sweep_dir, "lora.r=4,8,16", "lora=qv_r8,all_linear")
    for number in range(4):
        overrides = (f"lora={('qv_r8', 'all_linear')[number % 2]}", f"lora.r={4 * (1 + number // 2)}")
        make_trial(sweep_dir, number, *overrides, objective=3.0 + number / 10, worse=number / 5, seconds=100 - number)
    make_trial(
        sweep_dir, 4, "lora=qv_r8", "lora.r=16", state="failed", objective=None, error="loss is nan | <b>bold</b>"
    )
    make_trial(sweep_dir, 5, "lora=all_linear", "lora.r=16", state="running", objective=None)
    write_sweep(sweep_dir)
    return sweep_dir


def test_markdown_says_what_was_chosen_and_keeps_other_test_scores_apart(grid: Path) -> None:
    markdown = (grid / "sweep.md").read_text(encoding="utf-8")
    for part in (
        "# Sweep grid: 6 trials: 4 done, 1 running, 1 failed",
        "## Chosen on the validation split: lora=qv_r8, r=4",
        "best of 4 trials",
        "mentalft experiment=quick lora=qv_r8 lora.r=4",
        "| 1 | qv_r8 | 4 | 3.0000 | chosen |",
        "| 4 | all_linear | 8 | 3.3000 | worse |",
        "| base |",
        "loss is nan \\| <b>bold</b>",
        "To choose by them would be to tune on the test split",
    ):
        assert part in markdown
    assert (
        markdown.index("6.5000") < markdown.index("## Without an objective") < markdown.index("## Test scores of all")
    )


def test_csv_and_json_hold_every_trial(grid: Path) -> None:
    rows = list(csv.DictReader((grid / "sweep.csv").open(encoding="utf-8")))
    assert [row["state"] for row in rows] == ["done"] * 4 + ["failed", "running"]
    assert (rows[0]["lora.r"], rows[0]["objective"], rows[0]["standing"]) == ("4", "3.0", "chosen")
    assert float(rows[1]["test/rougeL/difference"]) == pytest.approx(0.03)
    assert rows[4]["error"] == "loss is nan | <b>bold</b>"
    found = read_json(grid / "sweep.json")
    assert (found["chosen"]["trials"], found["trials_looked_at"]) == (["0"], 4)
    assert [trial["trial"] for trial in found["trials"]] == ["0", "1", "2", "3", "4", "5"]


def test_the_page_holds_everything_it_shows_and_runs_nothing_else(grid: Path) -> None:
    page = (grid / "sweep.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](https?:)?//|@import|url\(["']?http""", page)
    assert not re.search(r"<[^>]* style=", page)
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])  # type: ignore[index]
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page
    assert 'href="0/report.html"' in page
    for picture in ("figure parallel", "figure pareto"):
        assert picture in page
    assert "importance is shown where" not in page.lower()


def test_what_has_not_changed_is_not_written_again(grid: Path) -> None:
    before = [(grid / name).stat().st_mtime_ns for name in OUTPUTS]
    write_sweep(grid)
    assert [(grid / name).stat().st_mtime_ns for name in OUTPUTS] == before
    write_sweep(grid, again=True)
    assert all((grid / name).stat().st_mtime_ns > then for name, then in zip(OUTPUTS, before, strict=True))


def test_jobs_that_end_together_leave_one_whole_result(tmp_path: Path) -> None:
    for number in range(3):
        make_trial(tmp_path, number, f"lora.r={number}", objective=3.0 + number)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: write_sweep(tmp_path), range(3)))
    assert len(read_json(tmp_path / "sweep.json")["trials"]) == 3
    assert not list(tmp_path.glob(".*.tmp"))
    make_trial(tmp_path, 3, "lora.r=3", objective=2.0)
    write_sweep(tmp_path)
    assert read_json(tmp_path / "sweep.json")["chosen"]["values"] == {"lora.r": "3"}


def odd_sweeps(root: Path) -> dict[str, Path]:
    """Directories of sweeps that hardly went anywhere."""
    every = {name: root / name for name in ("running", "failed", "one", "cut", "maximised", "uncompared", "strange")}
    make_trial(every["running"], 0, "lora.r=4", state="running", objective=None)
    for number in (0, 1):
        make_trial(every["failed"], number, f"lora.r={-number}", state="failed", objective=None, error="too small")
    make_trial(every["one"], 0, "lora.r=4")
    (make_trial(every["cut"], 0, "lora.r=4") / "status.json").write_text('{"job": 0')
    for number in range(2):
        make_trial(
            every["maximised"],
            number,
            f"lora.r={number}",
            objective=0.1 * number,
            objective_name="rougeL",
            direction="maximize",
        )
        make_trial(every["uncompared"], number, f"lora.r={number}", objective=None, compared=False, trained=False)
    for number, value in enumerate(("'a,\"b\" <script>alert(1)</script>'", "'中文，来访者'", "'$x_1$ & | `y`'")):
        make_trial(every["strange"], number, f"data.system_message={value}", objective=3.0 + number)
    return every


def test_odd_sweeps_have_whole_results_too(tmp_path: Path) -> None:
    for name, sweep_dir in odd_sweeps(tmp_path).items():
        write_sweep(sweep_dir)
        page = (sweep_dir / "sweep.html").read_text(encoding="utf-8")
        assert page.rstrip().endswith("</html>"), name
        assert "<script>alert" not in page
        assert ("Chosen on the validation split" in page) == (name in ("one", "maximised", "strange"))
        assert (sweep_dir / "sweep.md").read_text(encoding="utf-8").startswith(f"# Sweep {name}")
    strange = (tmp_path / "strange" / "sweep.html").read_text(encoding="utf-8")
    assert "中文，来访者" in strange
    assert "$x_1$ &amp; |" in strange


def test_seeds_and_the_learning_curve_are_drawn(tmp_path: Path) -> None:
    make_plan(tmp_path, "data.train_fraction=0.1,1.0", "seed=1,2")
    for number, (share, seed) in enumerate(((0.1, 1), (0.1, 2), (1.0, 1), (1.0, 2))):
        overrides = (f"data.train_fraction={share}", f"seed={seed}")
        make_trial(tmp_path, number, *overrides, objective=4 - share + seed / 100, dialogues=int(200 * share))
    write_sweep(tmp_path)
    page = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "figure learning_curve" in page
    assert "(mean ± sd of 2 seeds)" in page
    assert "Each seed" in page
    markdown = (tmp_path / "sweep.md").read_text(encoding="utf-8")
    assert "mentalft -m experiment=quick data.train_fraction=1.0 seed=1,2" in markdown
    make_plan(tmp_path, "data.train_fraction=0.1,1.0", "seed=1,2", language="zh")
    write_sweep(tmp_path)
    assert "lower is better" not in (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "| metric | base | tuned, mean ± sd | diff, mean ± sd |" in markdown


def test_pictures_that_cannot_be_drawn_do_not_cost_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mentalft.show.plots.inline_svg", None)
    for number in range(2):
        make_trial(tmp_path, number, f"lora.r={number}", objective=3.0 + number)
    write_sweep(tmp_path)
    page = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "<figure>" not in page
    assert "By objective" in page


def test_it_needs_no_torch(grid: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom mentalft.show.sweep import write_sweep\n"
        f"write_sweep(Path({str(grid)!r}), again=True)\n"
        "print([name for name in ('torch', 'transformers', 'wandb', 'hydra') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_it_is_wholly_chinese_where_that_is_asked_for(tmp_path: Path) -> None:
    make_plan(tmp_path, "lora.r=1,2,3", language="zh")
    for number in range(3):
        make_trial(tmp_path, number, f"lora.r={number}", objective=3.0 + number, seconds=90.0 + 10 * number)
    make_trial(tmp_path, 3, "lora.r=9", state="failed", objective=None, error="CUDA out of memory")
    write_sweep(tmp_path)
    english = [said["en"] for key, said in catalogue().items() if key.startswith("sweep.") and said["en"] != said["zh"]]
    fixed = {text.partition("{")[0].strip() for text in english}
    page = re.sub(
        r"<(style|script)>.*?</\1>|<pre.*?</pre>",
        "",
        (tmp_path / "sweep.html").read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    shown = [text.strip() for text in re.findall(r">([^<]+)<", page)]
    shown += [cell.strip(" #*-") for cell in re.split(r"[|\n]", (tmp_path / "sweep.md").read_text(encoding="utf-8"))]
    assert [text for text in shown if text and text in fixed] == []
    assert not [text for text in shown for start in fixed if len(start) > 12 and text.startswith(start)]
    assert '<html lang="zh-CN">' in page
