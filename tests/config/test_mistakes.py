"""Mistakes in words: what a user is pointed to exists."""

from __future__ import annotations

from mentalft.config.mistakes import ALIASES, known_keys


def test_other_tools_names_point_to_keys_there_are_and_hide_none() -> None:
    keys = [name for name, _, _ in known_keys()]
    assert set(ALIASES.values()) <= set(keys)
    assert not [key for key in keys if key in ALIASES]
