"""``mentalft-export``: makes something to deploy of a run, and proves that it is what was evaluated.

Exit codes: 0 exported or found to be the same, 1 not, 2 wrong usage, 3 exported but not proven: what it takes to ask it
is not installed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mentalft.cli.apps import run_app, speak_as

app = typer.Typer(
    name="mentalft-export", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
FORMS = ("merged", "adapter", "gguf", "ollama")
DTYPES = ("float32", "bfloat16", "float16")


UNPROVEN = 3
"""Exit code of an export whose proof could not be run."""


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that got as far as evaluate.")],
    to: Annotated[str | None, typer.Option(metavar="|".join(FORMS), help="What to make.")] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Make nothing; prove a folder that something else merged.")
    ] = None,
    contender: Annotated[str, typer.Option(metavar="NAME", help="Which contender; it must have an adapter.")] = "tuned",
    dtype: Annotated[
        str | None,
        typer.Option(metavar="|".join(DTYPES), help="Of the weights; what the run evaluated in if left out."),
    ] = None,
    quantize: Annotated[
        str | None, typer.Option(metavar="q8_0|q4_k_m|…", help="Of gguf and ollama: a quantisation of llama.cpp.")
    ] = None,
    llama_cpp: Annotated[
        Path | None,
        typer.Option(metavar="DIR", envvar="LLAMA_CPP", help="A clone of llama.cpp, whose converter makes the GGUF."),
    ] = None,
    prompts: Annotated[int, typer.Option(min=1, metavar="N", help="How many prompts of the run are asked.")] = 20,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; RUN/exports/FORM if left out.")] = None,
) -> None:
    """Export the model of a run, and prove that it answers as it was evaluated.

    It is loaded afresh and asked prompts that the run asked; what differs is not exported, and the message says why.
    """
    for option, given, accepted in (("--to", to, FORMS), ("--dtype", dtype, DTYPES)):
        if given is not None and given not in accepted:
            raise typer.BadParameter(f"{given!r} is none of {', '.join(accepted)}", param_hint=option)
    if (to is None) == (check is None):
        raise typer.BadParameter("give one of --to FORM and --check FOLDER", param_hint="--to")
    if check and out:
        raise typer.BadParameter("--check only reads its folder and makes nothing", param_hint="--out")
    if quantize and (dtype or to in ("merged", "adapter")):
        raise typer.BadParameter("it is the dtype of gguf and ollama, in place of --dtype", param_hint="--quantize")
    if llama_cpp and to in ("gguf", "ollama") and not (llama_cpp / "convert_hf_to_gguf.py").is_file():
        raise typer.BadParameter(f"{llama_cpp} has no convert_hf_to_gguf.py; give a clone of llama.cpp")
    if to == "adapter" and dtype:
        raise typer.BadParameter("an adapter stays in the dtype that it was trained in", param_hint="--dtype")

    from mentalft.console import log_to, quiet_libraries, say, say_path
    from mentalft.runs.api import load_run
    from mentalft.runs.place import held
    from mentalft.words import Said

    if llama_cpp:
        os.environ["LLAMA_CPP"] = str(llama_cpp)  # where mentalft.export.llama_cpp looks
    load_run(run)
    speak_as(run)
    quiet_libraries()
    from mentalft.export.making import check_folder, make_export
    from mentalft.show.export import proof_lines

    with held(run), log_to(run):
        if to:
            place, found = make_export(run, to, contender, quantize or dtype, prompts, out)
            proven = Said("export.done", {"dtype": found.made.dtype})
            done = Said("export.unproven", {"why": found.not_proven}) if found.not_proven else proven
        else:
            assert check is not None  # as looked at above; for the type checker
            place, found = check, check_folder(run, check, contender, quantize or dtype, prompts)
            done = Said("export.checked", {"name": contender})
        for line in proof_lines(found):
            say(line)
        say_path(done, place.absolute())
    if found.not_proven:
        raise typer.Exit(UNPROVEN)


def main() -> None:
    """Entry point of the console script ``mentalft-export``."""
    run_app(app)
