"""The built wheel, in a fresh environment: it finds its configuration and its assets."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import mentalft

ROOT = Path(mentalft.__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("a wheel is built from a checkout")
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(out), str(ROOT)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return next(out.glob("*.whl"))


def test_it_holds_what_runs_and_not_what_builds(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("mentalft/conf/config.yaml", "mentalft/conf/experiment/quick.yaml", "mentalft/assets/tiny_model/model.safetensors",
                 "mentalft/assets/sample/dialogues.json", "mentalft/py.typed", "mentalft/assets/README.md", "mentalft/show/templates/report.html.j2", "mentalft/show/templates/report.css", "mentalft/show/templates/sweep.md.j2", "mentalft/show/templates/sweep.js",
                 "mentalft/assets/manifest.schema.json", "mentalft/assets/model_card.md.jinja"):  # fmt: skip
        assert part in names
    assert not [n for n in names if n.startswith(("tests", "conf", "benchmarks")) or "assets/source" in n]


def test_it_runs_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=False)
    python = fresh / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", str(wheel)],
        check=True,
        timeout=300,
    )
    # the dependencies of this environment, but not its editable install, whose hook a .pth line does not run
    site = next((fresh / "lib").glob("python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    where = subprocess.run(
        [str(python), "-c", "import mentalft; print(mentalft.__file__)"], capture_output=True, text=True, check=True
    )
    assert str(fresh) in where.stdout
    done = subprocess.run(
        [str(fresh / "bin" / "mentalft"), "experiment=quick", "stages=[prepare]", "tracking=none"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "prepare: 120 records" in done.stdout
