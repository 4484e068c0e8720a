"""The report without a browser: what it holds, that it needs nothing else, and that no text of the data can act."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mentalft.records import Group
from mentalft.runs.files import COMPARISON
from mentalft.runs.loading import FinishedRun, read_run
from mentalft.show.report import report_html
from tests.show.compared import changed, gate, said, with_a_third
from tests.show.report_runs import METRICS, RESULT, SCRIPT, item, odd_items, with_third, write_run

LOADED_FROM = {"src", "srcset", "data", "action", "formaction", "poster", "background", "ping", "manifest"}
FIGURES = {"loss": '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>', "comparison": "<svg/>", "scores": "<svg/>"}


class Page(HTMLParser):
    """The elements of a page, and what is in its scripts, styles and visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in self.raw:
            self.raw[str(self.cdata_elem)][-1] += data
        else:
            self.text += data

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.elements if "id" in attributes]

    def policy(self) -> dict[str, list[str]]:
        (content,) = [a["content"] for t, a in self.elements if t == "meta" and a.get("http-equiv")]
        parts = [part.split() for part in str(content).split(";")]
        return {name: sources for name, *sources in parts}


def page_of(run: FinishedRun, language: Any = "en") -> Page:
    return Page(report_html(run, FIGURES, language))


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return page_of(write_run(tmp_path, [item(n) for n in range(6)]))


def test_it_says_the_verdict_then_warns_then_shows_the_table(page: Page) -> None:
    places = [
        page.text.index(part)
        for part in ("The tuned model is better: BLEU-4", "40.0% of the tuned", "BLEU-4primary0.1000")
    ]
    assert places == sorted(places)
    for part in (
        "+0.1500",
        "+0.1000 … +0.2000",
        "<0.001",
        "0.012",
        "sentence BLEU, mean over answers",
        "7 / 1 / 2",
        "+0.1100*",
        "no evidence",
        "lower is better",
    ):
        assert part in page.text
    assert {
        "result", "warnings", "training", "distributions", "answers", "by_topic", "extremes", "items", "data", "settings",
        "cost", "environment", "reproduce", "limits",
    } <= set(page.ids())  # fmt: skip
    assert len(page.ids()) == len(set(page.ids()))
    assert "figure-loss" in page.ids()
    assert "figure-comparison" not in page.ids(), "the table draws it"


@pytest.mark.parametrize(
    ("language", "line"),
    [("en", "Not shown: ten."), ("zh", "未显示：ten。")],
)
def test_it_says_why_nothing_is_shown_by_topic(language: str, line: str, tmp_path: Path) -> None:
    metrics = tuple(changed(m, by_topic=()) for m in METRICS)
    result = replace(RESULT, metrics=metrics, no_topics=said("ten"))
    page = page_of(write_run(tmp_path, [item(n) for n in range(3)], result), language)
    assert line in page.text
    assert "by_topic" in page.ids()


def test_every_link_of_the_contents_leads_somewhere(page: Page) -> None:
    links = [str(a["href"]) for tag, a in page.elements if tag == "a"]
    assert len(links) > 8
    assert {link.removeprefix("#") for link in links} <= set(page.ids())


def test_it_names_data_settings_cost_and_command_without_secrets(page: Page) -> None:
    for part in (
        "1,200",
        "no messages",
        "4 × PHONE",
        "主题29",
        "(+10)",
        "seed: 7",
        "60.5",
        "1.00 GiB",
        "16 GiB memory",
        "12356",
        "120",
    ):
        assert part in page.text
    assert "mentalft 'eval.openai.base_url=http://(left out)@localhost/v1' run_dir=test_it_names" in page.text
    assert "hunter2" not in page.text
    assert "0123abc" not in page.text


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in {"iframe", "object", "embed", "base", "form"} or attributes.get("id") == "filters"
        assert not LOADED_FROM & attributes.keys()
        assert not [name for name in attributes if name.startswith("on") or name == "style"], "the policy forbids these"
        if tag != "a":
            assert attributes.get("href") in (None, "data:,")
    assert not re.search(r"@import|url\(\s*['\"]?\s*(?!data:)", "".join(page.raw["style"]))
    assert not re.search(r"https?:|\bfetch\(|XMLHttpRequest|import\(|innerHTML|\beval\(", page.raw["script"][1])


def test_the_policy_allows_this_script_and_this_style_alone(page: Page) -> None:
    policy = page.policy()
    assert policy["default-src"] == ["'none'"]
    for kind, text in (("script-src", page.raw["script"][1]), ("style-src", page.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[kind] == [f"'sha256-{digest}'"]
    assert len(page.raw["style"]) == 1
    assert "unsafe" not in str(policy)


def test_texts_are_data_whatever_they_hold(tmp_path: Path) -> None:
    metrics = (changed(METRICS[0], title=SCRIPT, by_topic=(Group(SCRIPT, 6, 12, 0.2, None),)), *METRICS[1:])
    told = (said(SCRIPT),)
    hostile = replace(RESULT, metrics=metrics, decoding=SCRIPT, gates=(gate(SCRIPT),), notes=told)
    run = write_run(tmp_path, odd_items(), hostile)
    (tmp_path / "config.resolved.yaml").write_text(SCRIPT)
    page = page_of(read_run(tmp_path))
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert not [tag for tag, _ in page.elements if tag == "img"]
    shown = json.loads(page.raw["script"][0])
    for row, original in zip(shown["items"], run.items, strict=True):
        assert [shown["texts"][place] for place in row["answers"]] == list(original.answers.values())
        assert [shown["texts"][place] for place in row["references"]] == list(original.references)
        history = [(shown["roles"][r], shown["texts"][t]) for r, t in row["history"]]
        assert history == [(turn.role, turn.content) for turn in original.history]
        assert (row["id"], row["topic"]) == (original.id, original.topic)
    assert not re.search("[<>&\u2028\u2029]", page.raw["script"][0])


def test_a_run_that_only_compared_has_a_report(tmp_path: Path) -> None:
    COMPARISON.save(tmp_path, replace(RESULT, gates=(), metrics=METRICS[:1]))
    page = Page(report_html(read_run(tmp_path), {}, "en"))
    assert not {"training", "warnings", "list", "gains"} & set(page.ids())
    assert "None" not in page.text
    for part in (
        "no data: what was asked came from files",
        "manifest.json is not in",
        "config.resolved.yaml is not in",
        "items.jsonl is not in",
    ):
        assert part in page.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_labels_are_in_one_language(tmp_path: Path, language: str) -> None:
    page = page_of(write_run(tmp_path, [item(1)], replace(RESULT, metrics=METRICS[1:2])), language)
    assert ("无证据" in page.text) == (language == "zh")
    assert ("no evidence" in page.text.lower()) == (language == "en")
    assert ("html", {"lang": {"en": "en", "zh": "zh-CN"}[language]}) in page.elements


def test_texts_that_items_share_stand_there_once(tmp_path: Path) -> None:
    html = report_html(write_run(tmp_path, [item(1, turns=9) for _ in range(50)]), {}, "en")
    assert html.count("第1晚又睡不着") == 1


def test_every_word_of_a_chinese_page_is_chinese(tmp_path: Path) -> None:
    plain = replace(RESULT, gates=(), notes=(), decoding="贪心")
    page = page_of(write_run(tmp_path, [item(1, flags=["cut"])], plain), "zh")
    result = page.text[page.text.index("微调后的模型") :]
    shown = result.partition(json.loads(page.raw["script"][0])["words"]["source"])[0]
    for known in (
        "BLEU-4",
        "chrF",
        "perplexity",
        "bleu|sig",
        "Holm",
        "tiny",
        "sample",
        "items.jsonl",
        "Enter",
        "Esc",
        "experiment=seeds",
    ):
        shown = shown.replace(known, " ")
    assert set(re.findall(r"[A-Za-z]{2,}", shown)) <= {"BLEU", "JavaScript"}
    words = json.loads(page.raw["script"][0])["words"]
    assert not [key for key, word in words.items() if not re.search("[\u4e00-\u9fff]", word)]


def test_three_contenders_have_their_names_answers_and_groups(tmp_path: Path) -> None:
    rows = [with_third(item(n)) for n in range(6)]
    page = page_of(write_run(tmp_path, rows, with_a_third(RESULT)), "zh")
    shown = json.loads(page.raw["script"][0])
    assert shown["contenders"] == ["基座", "微调", "other-7b"]
    assert shown["texts"][shown["items"][2]["answers"][2]] == "第三种回答 2#1"
    assert [len(flags) for flags in shown["items"][0]["flags"]] == [0, 0, 1]
    for part in ("other-7b", "按话题：微调", "按话题：other-7b"):
        assert part in page.text
    assert ("select", {"class": "contender"}) in page.elements
