"""What pages that open anywhere have in common: their templates, and a policy that lets no text of the data run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any


def policy(style: str, script: str) -> str:
    """Content Security Policy Level 3 (W3C): nothing is loaded, and only what has these hashes is run or applied."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def joined(names: Sequence[str]) -> str:
    """The text of files in ``templates/``, one after another."""
    folder = resources.files("mentalft.show") / "templates"
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


def environment(**filters: Callable[..., Any]) -> Any:
    """The templates: whatever is put in is escaped, and a name that is not there is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("mentalft.show", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= filters
    return found


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
