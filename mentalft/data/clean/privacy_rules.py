"""Where personal data stands in Chinese counselling text: the rules, each kept only as it is sure.

They look at text in which full-width signs are ASCII. ``docs/decisions/008-privacy-rules.md`` says why these are rules
of our own; the lines labelled by hand in ``tests/data/clean/privacy_*.jsonl`` measure them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mentalft.data.clean import screening
from mentalft.data.clean.screening import DIGIT, LETTER, NUMBERED, PLACE

CJK = "\u4e00-\u9fff"
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田"
    "任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文牛葛游柯庄聂章鲁倪覃霍柳俞梅翁岳祁"
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮於蕭許鄧蔣賈葉閻餘戴鐘蘇盧魯葉"
)
COMPOUND_SURNAMES = "欧阳|司马|上官|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯"
PLACES = (
    "北京|上海|天津|重庆|广州|深圳|杭州|南京|苏州|成都|武汉|西安|长沙|郑州|青岛|济南|沈阳|大连|哈尔滨|长春|合肥|福州|厦门|宁波|"
    "无锡|佛山|东莞|昆明|贵阳|南宁|南昌|太原|石家庄|兰州|银川|西宁|乌鲁木齐|拉萨|海口|呼和浩特|温州|珠海|徐州|洛阳|烟台|河北|河南|"
    "山东|山西|湖北|湖南|广东|广西|江苏|浙江|安徽|福建|江西|四川|贵州|云南|陕西|甘肃|青海|辽宁|吉林|黑龙江|海南|内蒙古|宁夏|新疆|西藏|香港|澳门|台北|臺北|新北|台中|臺中|高雄"
)
COMPANIES = "(?:有限公司|集团|公司|医院|银行|大学|学院|中学|小学|法院|律师事务所|研究院|研究所)"


class Rule(NamedTuple):
    type: str
    concern: int
    """The flag of :mod:`mentalft.data.clean.screening` without which there is nothing to find."""
    hints: tuple[str, ...]
    """One of these, if any, stands in every text that the rule finds something in; looking for them is faster."""
    pattern: re.Pattern[str]
    """Fast where it begins with one literal or one class of characters, and without flags."""
    group: int = 0
    """What is replaced."""
    needs: re.Pattern[str] | None = None
    """A cheaper pattern without which the dear one cannot match."""


NAME = rf"(?:(?:{COMPOUND_SURNAMES})[{CJK}]{{1,2}}|[{SURNAMES}][{CJK}]{{1,2}})"
AFTER_NAME = r"(?=\W|$|今年|来自|是一|是个)"
TOWN = rf"(?:(?![我你他她在到住是来去从回搬])[{CJK}]){{2,4}}[市县镇]"
NO_HOME = "医院|醫院|宿舍|学校|病房|病区|酒店|宾馆|公司|单位|工地|疗养院|养老院|隔壁|对面|[我你他她]们|[咱这那一某哪同]"
"""Where it stands in the name of a building, that is nobody's home, or no name."""
AT_WORK = (
    r"(?=里?(?:上班|工作|任职|实习|上学|读|教|当|做|念|干)|的(?:护士|医生|老师|教师|学生|员工)|[高初大][一二三四])"
)
IN_NUMBERS = r"[\d０-９一二三四五六七八九十百]"
ROOM = rf"(?:{IN_NUMBERS}|[A-Za-z-]){{1,5}}"
AT = r"\s?[(（\[【{<]\s?(?i:at|艾特|@)\s?[)）\]】}>]\s?|\s?艾特\s?|#|\s?@\s?"
"""As people write it who fear a filter; the bare word needs more around it."""
BARE_AT = r"(?: dot [\w-]+)*\s(?i:at)\s"
DOT = r"\s?(?:\.|点|點|[(（\[【{<]\s?(?i:dot|点|\.)\s?[)）\]】}>]|(?<=\s)(?i:dot)(?=\s))\s?"
HOST = rf"[A-Za-z0-9-]+(?:{DOT}[A-Za-z0-9-]+)*?"
WEBMAIL = r"(?i:qq|163|126|139|sina|sohu|foxmail|gmail|outlook|hotmail|yahoo|icloud|proton(?:mail)?)"
TOP = r"(?i:com|cn|net|org|edu|hk|tw|uk|us|ca|au|sg|jp|io|me|de|fr)"
NOBODY = (
    "not|on|in|no|the|a|an|and|so|my|your|his|her|their|never|always|just|only|still|really|very|too|also|now|what|that|this"
    "|at|by|for|from|of|being|getting|going|gone|mud|irrelevant|important|unimportant|unique|weird|common|hard|long|short"
    "|difficult|easy|everywhere|nowhere|there|here|nothing|something|cleared|known|called|spelled|pronounced|like|as|because"
)
"""What follows "my name is" and is no name."""
GENERIC = (
    "(?:[一某这那哪个家间所的新老大小两几同]|国内|国外|国际|海外|跨国|知名|著名|有名|大型|中型|小型|外资|合资|私营|民营|国有|上市|当地|本地"
    "|我们|他们|自己|朋友|亲戚|老家|县里|市里|互联网|科技|贸易|广告|建筑|房地产|物流|电子|服装|食品|普通|正规|股份"
    "|重点|公办|民办|私立|公立|本科|专科|职业|本市|全市|外地|市|县|区)*"
)
"""Words that name no company, school or hospital."""
RULES = (
    Rule("URL", LETTER, ("http", "www.", "HTTP", "WWW."), re.compile(r"(?ai)(?:https?://|www\.)[\w./?=&%#~:+@!$,;*-]+[\w/=&#]")),
    Rule(
        "EMAIL",
        LETTER,
        ("@",),
        re.compile(
            r"(?a)(?<![\w.])[A-Za-z0-9][\w.+-]*\s?@\s?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
        ),
    ),
    Rule(
        "EMAIL",
        LETTER,
        ("at", "AT", "#", "艾特", "@"),
        re.compile(
            rf"(?a)(?<![\w.])[A-Za-z0-9][\w.+-]*"
            rf"(?:(?:{AT}){HOST}{DOT}|{BARE_AT}(?:{HOST} dot |{WEBMAIL}{DOT}(?:com?{DOT})?)){TOP}(?![A-Za-z])"
        ),
        needs=re.compile(r"[ (（\[【{<](?:at|AT|At) ?[\w)）\]】}>-]+ ?(?:\.|点|點|dot|[(\[{])|艾特|#\w|@"),
    ),
    Rule(
        "URL",
        LETTER,
        (".com/", ".cn/", ".net/", ".org/", ".cc/", ".me/"),
        re.compile(r"(?a)(?<![\w.@])[A-Za-z0-9][A-Za-z0-9.-]*\.(?:com|cn|net|org|cc|me)/[\w./?=&%#~:+@!$,;*-]*[\w/=&#]"),
    ),
    Rule(
        "WECHAT",
        LETTER,
        ("微信", "薇", "威", "卫星号", "x", "X", "hat", "V", "v"),
        re.compile(
            r"[微薇威卫WwVv加](?:(?<=[微薇威])信号?|(?<=[Vv])信号?|(?<=卫)星号|(?<=[Ww])[Ee][Cc][Hh][Aa][Tt]"
            r"|(?<=[VvWw])(?<![A-Za-z].)[Xx]|(?<=加)我?[Vv]|(?<=[薇威])[❤💗♥][\ufe0f ]?)"
            r"(?:号?码?|號碼?|\s?[Ii][Dd])?\s*(?:[:：是为為叫（(搜吧]|就是|也可以|is )?\s*"
            r"([A-Za-z][-_A-Za-z0-9]{5,19})(?![-_A-Za-z0-9])"
        ),
        1,
    ),
    Rule(
        "QQ",
        DIGIT,
        ("Q", "q", "扣", "企"),
        re.compile(
            r"[Qq扣企](?:(?<=[Qq])[Qq]|(?<=扣)扣|(?<=企)鹅号|(?<=[Qq])(?<![A-Za-z].)(?=[号號:：])|(?<=加[Qq])|(?<=加我[Qq]))"
            r"(?:号码?|號碼?|群号?)?\s*(?:[:：是为為/]|就是)?\s*([1-9](?:[ _·*、/-]?\d){4,10})(?!\d)"
        ),
        1,
    ),
    Rule(
        "QQ",
        DIGIT,
        ("Q", "q", "扣"),
        re.compile(
            r"[Qq扣](?:(?<=[Qq])[Qq]|(?<=扣)[我扣]|(?<=[Qq])(?<![A-Za-z].))(?:号码?|號碼?)?(?:吧|哈|啊|[，,、\s])+(?:[是为:：]\s*)?"
            r"([1-9]\d{7,9})(?!\d)"
        ),
        1,
    ),
    Rule(
        "ACCOUNT",
        LETTER,
        ("抖音", "小红书", "微博", "快手", "iscord", "napchat", "elegram", "nstagram", "hats", "witter", "ik"),
        re.compile(
            r"(?a)(?:抖音|小红书|微博|快手|(?i:discord|snapchat|telegram|instagram|whatsapp|twitter|tiktok))"
            r"(?:号|账号|帐号|id|ID|user ?name|handle|is|[:：是\s])*(@?[A-Za-z][\w.]*[\d_#][\w.#]*|@\w{3,})"
        ),
        1,
    ),
    Rule(
        "NAME",
        screening.NAME,
        (),
        re.compile(
            r"[叫是:：](?:(?<=[我俺]叫)|(?<=我就叫)|(?<=我名叫)|(?<=本人叫)|(?<=本名叫)|(?<=名字叫)|(?<=名字就叫)|(?<=真名叫)|(?<=全名叫)"
            r"|(?<=我名字[是：:])|(?<=我的名字[是：:])|(?<=我真名[是：:])|(?<=我的真名[是：:])|(?<=我全名[是：:])|(?<=我的全名[是：:])|(?<=姓名[是：:]))"
            rf"做?\s*({NAME}|小[{CJK}]){AFTER_NAME}"
        ),
        1,
    ),
    Rule("NAME", screening.NAME, ("姓名",), re.compile(rf"姓名\s*({NAME}){AFTER_NAME}"), 1),
    Rule(
        "NAME",
        screening.NAME,
        ("叫",),
        re.compile(rf"(?:老[公婆]|丈夫|妻子|朋友|[男女]友|儿子|女儿)(?:名字)?叫({NAME}){AFTER_NAME}"),
        1,
        re.compile("[公婆夫子友儿女字]叫"),
    ),
    Rule(
        "NAME",
        screening.NAME,
        ("我姓",),
        re.compile(rf"我姓([{SURNAMES}])[，,]?\s*名?字?叫(\1[{CJK}]{{1,2}}){AFTER_NAME}"),
        2,
    ),
    Rule(
        "NAME",
        screening.NAME,
        ("叫",),
        re.compile(rf"我(?:的?名字)?叫\s*((?!ta|TA|app)[A-Za-z][a-z]+(?:[ ·][A-Z][a-z]+)?){AFTER_NAME}"),
        1,
    ),
    Rule(
        "NAME",
        LETTER,
        ("name is", "name's", "name’s"),
        re.compile(
            r"\b[Mm]y (?:(?:first|full|real|last) )?name(?: is|'s|’s) "
            rf"([A-Z][a-z]+(?:[ -][A-Z][a-z]+){{0,2}}"
            rf"|(?!(?:{NOBODY})\b)[a-z]{{2,}}(?: (?!\w*(?:ed|ing|ful|ous)\b)[a-z]{{2,}})?"
            r"(?=[^\w ]|$| (?:and|i|but|from)\b))"
        ),
        1,
    ),
    Rule(
        "NAME",
        LETTER,
        ("I'm ", "I’m ", "I am ", "ame", "This is "),
        re.compile(
            r"(?:\bI(?:'m| am|’m)|\b[Nn]ame(?: is|'s|’s|:)|\bThis is) "
            r"((?!\w+ (?:\w+an|\w+ese|\w+ish|Catholic|Jew)\b)[A-Z][a-z]+ [A-Z][a-z]+)"
            r"(?=[^\w ]|$| (?:and|i|I|but|from|here)\b)"
        ),
        1,
        re.compile(r"(?:is|am|'m|’m|'s|’s|:) [A-Z][a-z]+ [A-Z]"),
    ),
    Rule(
        "ADDRESS",
        LETTER,
        ("St", "Road", "Rd", "Ave", "Lane", "Drive", "Close", "Court", "Boulevard", "Terrace", "Place", "Crescent"),
        re.compile(
            r"(?:\b(?:Flat|Apt|Unit) \w{1,4}, )?\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}"
            r"(?:St(?:reet)?|R(?:oa)?d|Ave(?:nue)?|Lane|Drive|Close|Court|Boulevard|Terrace|Place|Crescent)\b"
            r"(?:,? (?:Apt|Flat|Unit|Building|Room|Suite) ?\w{1,4}\b)*(?:, [A-Z][a-z]+\b)?(?:, [A-Z]{2} \d{5})?"
        ),
    ),
    Rule(
        "ADDRESS",
        NUMBERED,
        ("号", "弄", "號"),
        re.compile(
            rf"(?:(?:{PLACES}|{TOWN})[{CJK}]{{0,10}}?|(?<=[住家]在)[{CJK}]{{1,8}}?|(?<=住)[{CJK}]{{1,8}}?|(?<=地址[是：:])[{CJK}]{{1,12}}?)"
            rf"(?:(?:路|街|大道|巷|弄|胡同)(?:[{CJK}]段)?|村[{CJK}]{{0,3}}[组队]){IN_NUMBERS}{{1,5}}(?:号|弄|號)院?"
            rf"(?:[{CJK}]{{2,5}}(?:小区|公寓|花园|家园|大厦))?(?:{ROOM}(?:号楼|栋|幢|单元|座|楼|樓|层|室|号|房)){{0,4}}"
            rf"(?:{IN_NUMBERS}{{3,4}})?"
        ),
        needs=re.compile(rf"[路街道巷弄同段组队]{IN_NUMBERS}{{1,5}}[号弄號]"),
    ),
    Rule(
        "ADDRESS",
        NUMBERED,
        ("栋", "幢", "座", "号楼"),
        re.compile(
            rf"(?<=住)(?!院|宿|校)(?!在?(?:小区|[{CJK}]{{0,8}}(?:{NO_HOME})))在?([{CJK}]{{2,10}}?{ROOM}(?:栋|幢|座|号楼)(?:{ROOM}(?:单元|楼|层|室|号)){{0,3}}(?:\d{{3,4}})?室?)"
        ),
        1,
        re.compile(r"住(?!院|宿|校)"),
    ),
    Rule(
        "WORKPLACE",
        PLACE,
        ("在",),
        re.compile(rf"在((?:{PLACES})(?!{GENERIC}{COMPANIES})(?:大学|(?!.{{0,8}}[一某那这][家个所间])[{CJK}]{{1,12}}?{COMPANIES})){AT_WORK}"),
        1,
        re.compile(rf"在(?:{PLACES})"),
    ),
    Rule(
        "WORKPLACE",
        PLACE,
        ("中学", "大学", "学校", "小学", "院"),
        re.compile(
            rf"[在是于，,。：:]((?!{GENERIC}{COMPANIES}|[我你他她]们)(?:{TOWN}[{CJK}]{{1,10}}?(?:医院|保健院|大学|学院|[中小]学|法院)"
            rf"|(?<=在)[{CJK}]{{2,4}}(?:师范|理工|医科|工业|农业|财经|交通|外国语)(?:大学|学院|学校))){AT_WORK}"
        ),
        1,
        re.compile(r"[市县镇师理][第人妇范工]"),
    ),
    Rule(
        "WORKPLACE",
        LETTER,
        ("work", "teach", " at "),
        re.compile(
            r"\b(?:work(?:s|ed|ing)?|teach|stud(?:y|ent)|junior|senior|sophomore|freshman|nurse|intern) (?:at|for) "
            r"((?:[A-Z][\w&'-]+ ){1,4}(?:Hospital|School|University|College|Ltd|Inc|LLC|Group|Clinic))\b"
        ),
        1,
        re.compile(r" (?:at|for) [A-Z]"),
    ),
    Rule(
        "WORKPLACE",
        PLACE,
        ("有限公司", "分行"),
        re.compile(
            rf"在((?!{GENERIC}(?:有限公司|银行))[{CJK}]{{2,12}}?(?:有限公司|银行[{CJK}]{{2,5}}分行)){AT_WORK}"
        ),
        1,
    ),
    Rule(
        "WORKPLACE",
        PLACE,
        ("有限公司",),
        re.compile(rf"(?:就职于|任职于|供职于|单位是|公司是|公司叫)((?!{GENERIC}有限公司)[{CJK}]{{2,20}}?(?:（[{CJK}]{{2,4}}）)?有限公司)"),
        1,
    ),
)  # fmt: skip
