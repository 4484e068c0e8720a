"""Other libraries' messages, cut to what a line has room for."""

from __future__ import annotations

from mentalft.errors import first_line


def test_one_line_of_a_message_is_shown_and_never_nothing() -> None:
    assert first_line(ValueError("  one\ntwo")) == "one"
    assert first_line(TimeoutError()) == "TimeoutError"
    assert first_line(ValueError("x" * 500)) == "x" * 160 + "…"
