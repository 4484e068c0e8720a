"""Mistakes in words: what a user is pointed to exists, and what a message says to type works."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from mentalft.cli.single import compose_alone, readable
from mentalft.config.fields import value_at
from mentalft.config.mistakes import ALIASES, in_words, known_keys
from mentalft.errors import UserError, typed


def test_other_tools_names_point_to_keys_there_are_and_hide_none() -> None:
    keys = [name for name, _, _ in known_keys()]
    assert set(ALIASES.values()) <= set(keys)
    assert not [key for key in keys if key in ALIASES]


def through_bash(words: str) -> list[str]:
    """The arguments that a program gets where ``words`` are typed behind its name."""
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {words}"], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


def value_of(key: str, argument: str) -> Any:
    """What the setting is where the command line has this argument."""
    return value_at(compose_alone([readable(argument)]).config, key)


TEXTS = [
    "a(1).json", "a,b.json", "a=b.json", "a$b(.json", "it's.json", 'a"b.json', "a[1].json", "a{b.json", "x#1.json",
    "a&b;c|d.json", "${x}.json", "数据(一).json", "数据=二(.json", "my data (1).json", 'a\\"b.json',
    "a`b`.json", "(a)\\", "a!b<c>.json", "[q_proj", "a* (b)?.json",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_the_form_that_is_printed_works_in_a_shell(text: str) -> None:
    given = f"data.path={text}"
    with pytest.raises(Exception) as failed:  # noqa: PT011 - whatever Hydra raises
        compose_alone([readable(given)])
    message = in_words(failed.value, [given])
    assert message is not None
    printed = re.search(r"write (.*?)(?: for one, or .*)?$", message)
    assert printed, message
    (argument,) = through_bash(printed[1])
    assert value_of("data.path", argument) == text


@pytest.mark.parametrize(
    ("given", "members"),
    [
        ("lora.target_modules=[q_proj,v_proj", ["q_proj", "v_proj"]),
        ("lora.target_modules=q_proj, v_proj]", ["q_proj", "v_proj"]),
        ("lora.target_modules=q_proj,v_proj", ["q_proj", "v_proj"]),
        ("lora.target_modules=q_proj", ["q_proj"]),
        ("tracking.tags=[焦虑(一),b", ["焦虑(一)", "b"]),
    ],
)
def test_a_list_is_printed_as_a_list(given: str, members: list[str]) -> None:
    with pytest.raises(Exception) as failed:  # noqa: PT011 - whatever Hydra raises
        compose_alone([readable(given)])
    printed = re.search(r"write (.*?)(?: for one, or .*)?$", str(in_words(failed.value, [given])))
    assert printed
    (argument,) = through_bash(printed[1])
    assert value_of(given.partition("=")[0], argument) == members


def test_a_number_is_not_made_a_text() -> None:
    with pytest.raises(Exception) as failed:  # noqa: PT011 - whatever Hydra raises
        compose_alone(["lora.r=8("])
    assert "write lora.r=VALUE with a whole number, at least 1" in str(in_words(failed.value, ["lora.r=8("]))


@pytest.mark.parametrize(
    "text", [*TEXTS, "plain", "outputs/2026-11-28/07-07-41", "007", "null", "1e5", "a b", "数据", "./x", ""]
)
def test_a_directory_to_go_on_with_can_be_typed_as_printed(text: str) -> None:
    (argument,) = through_bash(typed("tracking.name", text))
    assert value_of("tracking.name", argument) == text


@pytest.mark.parametrize("project", ["a/b", "a#b", "50%", "a:b", "a?", "x" * 129, ""])
def test_a_project_that_wandb_refuses_is_told_at_once(project: str) -> None:
    with pytest.raises(UserError, match=r"tracking\.project"):
        compose_alone([f'tracking.project="{project}"'])
