"""HTML and embedded files in text: what is taken for one, and what is left."""

from __future__ import annotations

import base64
import random

import pytest

from mentalft.data.clean.repair import cleaned

BYTES = random.Random(1).randbytes(3000)
BASE64 = base64.b64encode(BYTES).decode()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>我睡不着。</p><p>已经三天了。</p>", "我睡不着。\n已经三天了。"),
        ("<p>很累&nbsp;</p><p>睡了</p>", "很累\n睡了"),
        ("我&nbsp;&nbsp;很累", "我  很累"),
        ("我&amp;nbsp;很累&nbsp", "我 很累"),
        ("第一行<br>第二行<br/>第三行<BR />\n第四行", "第一行\n第二行\n第三行\n第四行"),
        ('<div class="a"><span style="color:red">你好</span>，<strong>别急</strong></div>', "你好，别急"),
        ("<ul>\n<li>一</li>\n<li>二</li>\n</ul>", "一\n二"),
        ('见<a href="https://a.cn/b?c=1">这里</a>。<!-- 编辑：略 -->', "见这里。"),
        ("<style>p {color: red}</style>好<script>alert(1)</script>", "好"),
        ("<table><tr><td>周一</td><td>休息</td></tr></table>", "周一\t休息"),
        ("&ldquo;好&rdquo;&hellip;&#12290;&#x3002;", "“好”…。。"),
        ("&lt;b&gt; 是粗体", "<b> 是粗体"),
    ],
)
def test_html_becomes_plain_text(html: str, text: str) -> None:
    used: set[str] = set()
    assert cleaned(html, used) == text
    assert used == {"HTML made plain text"}
    assert cleaned(html, set(), keep_html=True) == html


@pytest.mark.parametrize(
    "text",
    [
        "3<5，5>3",
        "<think>想一想</think>好",
        "我<3你",
        ">_<",
        "AT&T 和 R&D",
        "a && b; c",
        "<|im_start|>",
        "<某某>",
        "x<y>z",
        "<s>好</s>",
    ],
)
def test_what_is_no_html_stays(text: str) -> None:
    used: set[str] = set()
    assert cleaned(text, used) == text
    assert not used


@pytest.mark.parametrize(
    "blob",
    [
        f"data:image/png;base64,{BASE64}",
        f"![图](data:image/jpeg;base64,{BASE64})",
        BASE64,
        base64.urlsafe_b64encode(BYTES).decode(),
        base64.encodebytes(BYTES).decode().strip(),
        BYTES.hex(),
        "".join(f"%{byte:02X}" for byte in BYTES),
        "data:image/svg+xml,%3Csvg%20" + "a1" * 200,
    ],
)
def test_embedded_files_are_removed(blob: str) -> None:
    used: set[str] = set()
    assert cleaned(f"看图：{blob} 就是这样", used, keep_html=True) == "看图： 就是这样"
    assert used == {"embedded files removed"}


def test_an_image_of_a_page_is_removed_with_its_tag() -> None:
    assert cleaned(f'<p>看<img src="data:image/png;base64,{BASE64}">图</p>', set()) == "看图"


@pytest.mark.parametrize(
    "text",
    ["哈" * 300, "a" * 300, "-" * 300, "=" * 300, "1" * 300, "no way " * 60, "https://a.cn/" + "b/" * 60, "啊1a" * 150],
)
def test_long_text_stays(text: str) -> None:
    assert cleaned(text, set()) == text.strip()
