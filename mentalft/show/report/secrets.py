"""What may be shown of settings and commands, and published: no keys, no passwords."""

from __future__ import annotations

import re

HIDDEN = "(left out)"

_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
_BY_NAME = re.compile(
    r"(?i)((?:^|[\s?&;,{\[.'\"+])[\w-]*(?:api_?key|access_?key|token|password|passwd|secret|credentials?)['\"]?\s*[:=]\s*)"
    r"(?!\s|null\b|['\"]{2})(\"[^\"\n]*\"|'[^'\n]*'|[^\s,&}\]'\"]+)"
)
_BY_FORM = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|(?:sk|pk|local|wandb_v\d)[-_][A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}"
    r"|ms-[0-9a-f]{8}-[0-9a-f-]{20,}|gh[opsu]_[A-Za-z0-9]{20,})\b"
)


def without_secrets(text: str) -> str:
    """``text`` without what is before the ``@`` of an address, under a name such as ``api_key``, or looks like a key.

    Settings name the environment variable that holds a key, never the key; this is for those who wrote one anyway.
    """
    text = _IN_ADDRESS.sub(HIDDEN, text)
    text = _BY_NAME.sub(lambda m: m[1] + HIDDEN, text)
    return _BY_FORM.sub(HIDDEN, text)


def secret_in(text: str) -> bool:
    """Whether something in ``text`` looks like a key, or an address holds a password; names such as ``bos_token`` are
    no sign of one in files of a model."""
    return bool(_IN_ADDRESS.search(text) or _BY_FORM.search(text))
