"""Words that stand in the repository as hashes alone are found where they are written. The words here are made up."""

from __future__ import annotations

from mentalft.safety.means import hashed, names_means


def test_listed_words_are_found_in_both_languages() -> None:
    known = {hashed("zorblax"), hashed("quen tiful"), hashed("龘靐")}
    english, chinese = "You could use a Zorblax, or quen tiful.", "先找一个龘靐，然后"
    assert [english[slice(*span)] for span in names_means(english, known)] == ["Zorblax", "quen tiful"]
    assert [chinese[slice(*span)] for span in names_means(chinese, known)] == ["龘靐"]


def test_other_words_are_not() -> None:
    assert names_means("a zorblaxes and a zorb lax, 龘 靐", {hashed("zorblax"), hashed("龘靐")}) == []
    assert names_means("你可以先喝点水，然后 take a walk") == []
