"""A dialogue survives its file form."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mentalft.records import Dialogue, Message

MESSAGES = st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), st.text()), min_size=1).map(tuple)


@given(st.builds(Dialogue, id=st.text(), topic=st.none() | st.text(), messages=MESSAGES))
def test_there_and_back(dialogue: Dialogue) -> None:
    assert Dialogue.from_json(json.loads(json.dumps(dialogue.to_json()))) == dialogue
