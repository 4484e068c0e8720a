"""Rebuild the embedded tiny model and tiny embedder from the text beside this script.

    python mentalft/assets/source/build_assets.py            both, about five minutes on two cores
    python mentalft/assets/source/build_assets.py embedder   one of them
    python mentalft/assets/source/build_assets.py hashes     record the hashes of what is there

Not part of the installed package. Of the sample dialogues only the default train split is read. A rebuild on
another processor or torch version gives a model of the same kind, not the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import tiny_embedder
import tiny_model

from mentalft.assets import FOLDER, TINY_EMBEDDER, TINY_MODEL
from mentalft.files import sha256_file, write_json


def record_hashes() -> None:
    """Write ``hashes.json``; a test holds the shipped files against it."""
    folders = ("sample", "bank", "probe", "tiny_model", "tiny_embedder")
    shipped = [path for name in folders for path in (FOLDER / name).rglob("*")]
    write_json(
        FOLDER / "hashes.json",
        {p.relative_to(FOLDER).as_posix(): sha256_file(p) for p in sorted(shipped) if p.is_file()},
    )


def main() -> None:
    what = sys.argv[1:] or ["model", "embedder", "hashes"]
    if "model" in what:
        tiny_model.build(HERE / "text", TINY_MODEL)
    if "embedder" in what:
        tiny_embedder.build(HERE / "text", TINY_EMBEDDER)
    record_hashes()


if __name__ == "__main__":
    main()
