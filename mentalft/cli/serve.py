"""``mentalft-serve``: a run's models behind OpenAI's chat completions, as they were evaluated.

Exit codes: 0 stopped by Ctrl-C, 1 they cannot be served, or the server ended, 2 wrong usage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mentalft.cli.apps import run_app, speak_as

app = typer.Typer(
    name="mentalft-serve", rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False
)


@app.command(no_args_is_help=True)
def serve(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run that trained an adapter.")],
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION…]", help="The server's own, such as `-- --max-model-len 8192` of vLLM."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Serve this contender alone; may be given again.")
    ] = None,
    engine: Annotated[
        Literal["auto", "transformers", "vllm"],
        typer.Option(help="`auto` is vLLM where it can serve these here, else `transformers serve`."),
    ] = "auto",
    host: Annotated[str, typer.Option(help="Another opens the models to whoever reaches it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any that is free.")] = 8000,
    precision: Annotated[
        Literal["auto", "fp16", "bf16", "fp32"] | None, typer.Option(help="That of the run if left out.")
    ] = None,
) -> None:
    """Serve `base`, `tuned` and a run's other models with OpenAI's API, through `transformers serve` or vLLM.

    Template, end tokens and decoding are the run's. Ctrl-C ends it; nothing is written into the run.
    """
    from mentalft.console import quiet_libraries, say
    from mentalft.errors import UserError
    from mentalft.runs.api import load_run
    from mentalft.serving.asking import evaluation, question
    from mentalft.serving.models import local_contenders
    from mentalft.serving.running import Where, serving
    from mentalft.training.processes import sigterm_raised
    from mentalft.words import Said, listed

    cfg = load_run(run).settings
    if precision:
        cfg.trainer.precision = precision
    quiet_libraries()
    speak_as(run)
    where = Where(host, port)
    if not where.is_loopback:
        say(Said("serving.open", {"host": host}), style="yellow")
    contenders = local_contenders(cfg, run, only or ())
    say(Said("serving.starting", {"names": listed([one.name for one in contenders])}))
    try:
        with sigterm_raised(), serving(cfg, contenders, engine, where, options or ()) as server:
            say(Said("serving.serves", {"names": listed(server.names), "title": server.title, "url": server.url}))
            if cfg.data.system_message:
                say(Said("serving.system_message", {"characters": len(cfg.data.system_message)}))
            say(Said("serving.ask", {"command": question(server)}))
            if not only:
                say(Said("serving.evaluate", {"command": evaluation(run, cfg, server)}))
            say(Said("serving.stop"), style="dim")
            server.process.wait()
            raise UserError(f"{server.title} ended with exit code {server.process.returncode}; what it said is above")
    except KeyboardInterrupt:
        say(Said("serving.stopped"))


def main() -> None:
    """Entry point of the console script ``mentalft-serve``."""
    run_app(app)
