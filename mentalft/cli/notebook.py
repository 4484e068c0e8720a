"""An experiment from Python: ``mentalft.run([...])`` takes the overrides that the command line takes."""

from __future__ import annotations

from collections.abc import Sequence

from mentalft.runs.api import Run


def run(overrides: Sequence[str] = ()) -> Run:
    """Run the experiment that ``overrides`` ask for, and return its run.

    Args:
        overrides: as on the command line, without the shell's quotes, such as ``["experiment=quick", "lora.r=4"]``.

    Raises:
        UserError: as the command would have said it; what is complete stays in the run directory.
    """
    from mentalft.cli.single import compose_alone, one_experiment, place_of, readable, run_in
    from mentalft.config.mistakes import in_words
    from mentalft.errors import ConfigError, UserError

    given = one_experiment([readable(override) for override in overrides])
    try:
        composed = compose_alone(given)
        place = place_of(composed)
        run_in(composed, place)
    except UserError:
        raise
    except Exception as error:
        message = in_words(error, given)
        if message is None:
            raise
        raise ConfigError(message) from error
    assert place.run_dir is not None  # of a single run; for the type checker
    return Run(place.run_dir)
