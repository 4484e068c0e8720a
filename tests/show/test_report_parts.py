"""The parts of the report: labels, small drawings, what is left out of settings, JSON in a script."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.records import WORSE, Group, Interval, MetricResult
from mentalft.show.language import language_for
from mentalft.show.report.items import items_json
from mentalft.show.report.secrets import HIDDEN, without_secrets
from mentalft.show.report.sections import commands, facts, size
from mentalft.show.strips import MARGIN, Strip, group_strips, shares
from mentalft.show.strips import strip as strip_of
from mentalft.words import labels
from tests.show.compared import changed
from tests.show.report_runs import MANIFEST, METRICS, RESULT, item, write_run
from tests.test_conf import composed

BLEU, CHRF, PERPLEXITY = METRICS


def strip(m: MetricResult) -> Strip:
    return strip_of(m, m.differences["tuned"])


def test_every_label_is_used_and_says_the_same_in_both_languages() -> None:
    folder = Path(str(resources.files("mentalft.show")))
    files = [*folder.glob("*.py"), *folder.glob("report/*.py"), *folder.glob("templates/report*.*[2s]")]
    sources = "".join(p.read_text(encoding="utf-8") for p in files)
    for key, text in labels("report", "en").items():
        used = rf"\bw(?:ords)?\.{key}\b|[\"']{key}[\"']|report\.{key}\""
        assert re.search(used, sources), f"{key} is not used"
        fields = {
            language: sorted(re.findall(r"\{\w+\}", labels(language=language, room="report")[key]))
            for language in ("en", "zh")
        }
        assert fields["en"] == fields["zh"], key
        assert text.strip()


def test_the_language_is_that_of_most_references() -> None:
    assert language_for("auto", ["慢慢来，OK，我们一起看看", "I see."]) == "en"
    assert language_for("auto", ["慢慢来，OK，我们一起看看", "I see.", "听起来很累"]) == "zh"
    assert language_for("auto", []) == "en"
    assert language_for("en", ["听起来很累"]) == "en"


def test_right_is_better_whichever_direction_that_is() -> None:
    up, down = strip(BLEU), strip(PERPLEXITY)
    assert 0 < up.low < up.at < up.high == 100 * MARGIN
    assert 0 > down.high > down.at > down.low == -100 * MARGIN
    assert (up.kind, down.kind) == ("better", "worse")
    assert strip(CHRF).low < 0 < strip(CHRF).high
    nothing = strip(changed(CHRF, interval=Interval(0, 0), difference=0))
    assert (nothing.low, nothing.at, nothing.high) == (0, 0, 0)


def test_groups_share_a_scale_and_are_coloured_by_their_own_interval() -> None:
    groups = (
        Group("a", 6, 12, 0.2, Interval(0.1, 0.4)),
        Group("b", 6, 12, 0.0, Interval(-0.1, 0.1)),
        Group("c", 1, 1, 9, None),
    )
    m = changed(BLEU, verdict=WORSE)
    wide, narrow, none = group_strips(m, m.differences["tuned"], groups)
    assert wide is not None
    assert narrow is not None
    assert none is None
    assert (wide.kind, narrow.kind) == ("better", "undecided")
    assert wide.high == pytest.approx(4 * narrow.high)
    withheld = changed(BLEU, verdict="withheld")
    assert {s.kind for s in group_strips(withheld, withheld.differences["tuned"], groups) if s} == {"withheld"}


def test_wins_ties_and_losses_fill_the_bar() -> None:
    assert sum(shares(BLEU.differences["tuned"])) == pytest.approx(100)
    assert shares(changed(BLEU, wins=0, ties=0, losses=0).differences["tuned"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("base_url: http://me:hunter2@host/v1", f"base_url: http://{HIDDEN}@host/v1"),
        ("wandb_api_key: abc123", f"wandb_api_key: {HIDDEN}"),
        ("{'password': 'a b', x: 1}", f"{{'password': {HIDDEN}, x: 1}}"),
        ("http://host/v1?api_key=abc&x=1", f"http://host/v1?api_key={HIDDEN}&x=1"),
        ("name: hf_abcdefghijklmnopqrstuvwx", f"name: {HIDDEN}"),
        ("a=sk-proj-abcdefghijklmnopqrstuvwx", f"a={HIDDEN}"),
        ("api_key_env: OPENAI_API_KEY", "api_key_env: OPENAI_API_KEY"),
        ("max_new_tokens: 128\ntokenizer: auto\ntoken: null", "max_new_tokens: 128\ntokenizer: auto\ntoken: null"),
        ("path: hf://OWNER/NAME/FILE", "path: hf://OWNER/NAME/FILE"),
    ],
)
def test_settings_keep_no_key_and_lose_nothing_else(text: str, kept: str) -> None:
    assert without_secrets(text) == kept


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_from_its_script(text: str) -> None:
    written = items_json([item(1, text, text, topic=text)], replace(RESULT, metrics=(changed(BLEU, title=text),)), "en")
    assert not re.search("[<>&\u2028\u2029]", written)
    found = json.loads(written)
    assert found["texts"][found["items"][0]["answers"][0]] == text
    assert found["metrics"][0]["title"] == text


def test_commands_of_stages_that_ran_apart_stand_in_the_order_in_which_they_ran(tmp_path: Path) -> None:
    run = write_run(tmp_path / "14-22-01", [])
    again = ["mentalft", "stages=[compare]", "run_dir=/home/me/14-22-01", "seed=2"]
    stages = {
        "compare": {"started": "2026-11-24T09:00:00+01:00", "command": again},
        "prepare": {"started": "2026-11-23T14:22:01+01:00", "command": ["mentalft", "seed=1"]},
        "train": {"started": "2026-11-23T14:23:00+01:00", "command": ["mentalft", "seed=1"]},
    }
    apart = replace(run, manifest={**MANIFEST, "stages": stages})
    assert commands(apart) == [
        "mentalft seed=1 run_dir=14-22-01",
        "mentalft 'stages=[compare]' run_dir=14-22-01 seed=2",
    ]
    assert ("started", "2026-11-23 14:22") in facts(apart, "en")
    assert len(commands(run)) == 1


@pytest.mark.parametrize("name", ["0", "14-22-01", "quick_1.5", "1e3", "0042", "a b", "安静", 'a"b, [c]'])
def test_the_directory_in_a_command_is_read_as_its_name(name: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / name, [])
    (command,) = commands(replace(run, manifest={"command": ["mentalft", f"run_dir={tmp_path}", "seed=1"]}))
    assert composed(*shlex.split(command)[1:]).run_dir == name
    (command,) = commands(replace(run, manifest={"command": ["mentalft", "seed=1"]}))
    assert command == "mentalft seed=1", "a new directory is as good"


def test_sizes_are_short() -> None:
    assert [size(n) for n in (None, 12, 2048, 3 * 2**20, 2**30)] == ["–", "12 B", "2 KiB", "3 MiB", "1.00 GiB"]
