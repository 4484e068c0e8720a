"""What W&B is told of an error: its kind and where it arose, and none of the data that its message may quote."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from mentalft.errors import Stopped, UserError, first_line

PACKAGE = Path(__file__).parents[1]
QUOTED = re.compile(
    r"""«.*?» | “.*?” | 「.*?」 | "[^"]*" | `[^`]*` | (?<!\w)'.*?'(?!\w)  # in quotes
    | ["«“「`].* | (?<!\w)'.*  # a quotation that does not end""",
    re.VERBOSE,
)
OTHER_SCRIPT = re.compile(r"[^\x00-\x7f]+")
FOLDERS = re.compile(r"[^\s=,;:]*/")


def without_data(error: BaseException) -> str:
    """``error`` on one line, without anything of the data.

    Messages of mentalft's own are kept but for what stands in quotes, what is not ASCII, and the folders of a path;
    of any other error, whose message may hold anything, only the kind and the place in mentalft.
    """
    kind = type(error).__name__
    if isinstance(error, UserError | Stopped):
        message = FOLDERS.sub("", OTHER_SCRIPT.sub("…", QUOTED.sub("…", first_line(error))))
        return f"{kind}: {message}"
    ours = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(PACKAGE)]
    return f"{kind} in {Path(ours[-1].filename).relative_to(PACKAGE)}, line {ours[-1].lineno}" if ours else kind
