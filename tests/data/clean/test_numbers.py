"""Numbers in every way of writing that people use, and the numbers that are nobody's."""

from __future__ import annotations

from collections import Counter

import pytest

from mentalft.data.clean.numbers import PLAIN
from mentalft.data.clean.privacy import UNUSUAL, redactor
from mentalft.records import HELP_LINES

REDACT = redactor([])


def redacted(text: str) -> tuple[str, Counter[str]]:
    found: Counter[str] = Counter()
    return REDACT(text, found), found


@pytest.mark.parametrize(
    "number",
    [
        "１３８１２３４５６７８", "１３８ １２３４ ５６７８", "1 3 8 1 2 3 4 5 6 7 8", "1_3_8_1_2_3_4_5_6_7_8", "138_1234_5678",
        "138/1234/5678", "138、1234、5678", "138·1234·5678", "138*1234*5678", "壹叁捌壹贰叁肆伍陆柒捌", "壹叁捌 零零壹叁 捌零零零",
        "一三八零五二七九四六一", "1三8一2三4五6七8", "1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣", "①③⑧①②③④⑤⑥⑦⑧",
        "❶❸❽❶❷❸❹❺❻❼❽", "𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖", "138123\n45678", "010-62751234", "(010)62751234", "+86 138 1234 5678",
        "+852 9123 4567", "415-555-2671", "(415) 555-2671", "+1 415-555-2671",
    ],
)  # fmt: skip
def test_a_telephone_number_is_found_however_it_is_written(number: str) -> None:
    for text in (number, f"打{number}找我", f"电话：{number}。"):
        assert redacted(text) == (text.replace(number, "[PHONE]"), {"PHONE": 1})


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("卡号6222021234567890128", "CARD"),  # the word makes up for the checksum
        ("我的4111 1111 1111 1111丢了", "CARD"),
        ("５５５５ ５５５５ ５５５５ ４４４４", "CARD"),
        ("110101900307123", "ID"),
        ("身份证号码：110101199003071234", "ID"),
        ("身份证 110101 19900307 1239", "ID"),
        ("身份证是１１０１０１１９９００３０７１２３４", "ID"),
        ("我电话是62751234", "PHONE"),
        ("手机号：13812345678元旦打", "PHONE"),
    ],
)
def test_cards_and_what_a_word_makes_sure(text: str, type_: str) -> None:
    assert redacted(text)[1] == {type_: 1}


@pytest.mark.parametrize(
    "text",
    [
        "13000000000韩元", "一共13000000000元", "人口1400000000人", "房价15000000", "¥13812345678", "工资13,000,000,000", "10000000000",
        "2023-11-08 13:20", "2023/11/08", "08/11/2023 12:30", "一九九八年一月二十三日", "版本1.3.8.1234.5678", "version 13.8.1234",
        "ISBN 978-7-5327-1234-5", "ISBN 9787532712345", "ISBN 0-306-40615-2", "订单号13812345678",
        "快递单号 6222021234567890123", "分数是138、145、150、139", "年龄13、14、15、16、17、18岁", "我的分数：13 14 15 16 17 1",
        "1、3、5、7、9、11、13、15", "三、四、五、六、七、八、九、十", "一二三四五六七八九十", "比分3-2 1-0 2-2 15-13", "①先②再③然后",
        "血压130/85 140/90 150/95", "6000 7000 8000 9000", "1990 1995 2000 2005 2010", "π 3.14159265358979", "第138页到第145页",
    ],
)  # fmt: skip
def test_amounts_dates_scores_and_lists_stay(text: str) -> None:
    assert redacted(text) == (text, {})


@pytest.mark.parametrize(
    "text",
    [
        "请打1-800-273-8255", "call 800-273-8255", "call 1-800-273-TALK now", "call 800-273-TALK", "1-800-4-A-CHILD", "1 (800) 273-8255",
        "+1-800-273-8255", "北京 010-82951332", "上海021-34289888", "武汉027-85844666", "+86 10 82951332", "４００－１６１－９９９５",
        "UK: 08457 90 90 90", "0800 1111", "lifeline 13 11 14", "香港+852 2389 2222", "台灣0800-788-995", "12356",
        # not in the table, but said to be one
        "热线：0551-63666903", "心理援助热线0431-12345678", "援助电话是0551-63666903", "the crisis line is 415-555-2671",
        "0551-63666903是合肥的心理危机热线", "热线：0551-63666903、0431-89685000，还有 024-23813000", "热线13812345678",
        "您可以拨打24小时希望热线（400-123-4567）",
    ],
)  # fmt: skip
def test_a_help_line_stays(text: str) -> None:
    clean, found = redacted(text)
    assert clean == text
    assert found.keys() <= {HELP_LINES}


def test_help_lines_that_stay_are_counted() -> None:
    assert redacted("打010-82951332，或心理热线0551-63666903；我的是13812345678")[1] == {HELP_LINES: 2, "PHONE": 1}


@pytest.mark.parametrize(
    "text",
    [
        "热线没人接，你打我13812345678",
        "我打过援助热线。我的手机13812345678",
        "热线打不通，加我微信13812345678",
        "my number is 415-555-2671, not a hotline",
        "the hotline said they would call me back at 415-555-2671",
        "13812345678打不通就打热线",
    ],
)
def test_somebodys_own_number_near_such_words_is_found(text: str) -> None:
    assert redacted(text)[1] == {"PHONE": 1}


def test_no_unusual_character_is_passed_over() -> None:
    assert [chr(point) for point in PLAIN if not UNUSUAL.match(chr(point))] == []
