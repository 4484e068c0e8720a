"""What W&B is told of an error holds nothing of the data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.errors import LONGEST, DataError, Stopped, UserError
from mentalft.tracking.failure import without_data


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("lora.r must be at least 1, got 0\nsecond line", "DataError: lora.r must be at least 1, got 0"),
        ("/home/mei/clients/a.json, record 8: empty", "DataError: a.json, record 8: empty"),
        ("go on with run_dir=outputs/2026/14-22", "DataError: go on with run_dir=14-22"),
        ("role \"今天很累\" and 'I cannot sleep' are unknown", "DataError: role … and … are unknown"),
        ('the record begins with "I cannot', "DataError: the record begins with …"),
        ("the run's directory: 王芳的对话.json", "DataError: the run's directory: ….json"),
    ],
)
def test_our_own_messages_lose_what_they_quote(message: str, told: str) -> None:
    assert without_data(DataError(message)) == told


def test_an_error_that_is_not_ours_is_a_kind_and_a_place() -> None:
    from mentalft.files import read_json

    assert without_data(ValueError("could not read I feel so alone")) == "ValueError"
    with pytest.raises(AttributeError) as caught:
        read_json(None)  # type: ignore[arg-type]
    assert without_data(caught.value).startswith("AttributeError in files.py, line ")


def test_a_stopped_run_says_so() -> None:
    assert without_data(Stopped("stopped by SIGTERM; run_dir=a/b", 143)) == "Stopped: stopped by SIGTERM; run_dir=b"


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1), st.text(max_size=400))
def test_no_chinese_text_passes_and_the_line_is_short(said: str, before: str) -> None:
    told = without_data(UserError(f"{before} {said}"))
    assert told.replace("…", "").isascii()
    assert len(told) <= len("UserError: ") + LONGEST + 1
    assert "\n" not in told
