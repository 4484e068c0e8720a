"""What each metric is and which scale it has, in a line, for readers who have the table and not the documentation."""

from __future__ import annotations

from typing import NamedTuple


class About(NamedTuple):
    scale: str | None
    """Of its values, such as ``0–1``; None where there is no bound."""
    en: str
    zh: str


_BLEU = About(
    "0–1",
    "n-grams of the answer that a reference has too; sentence BLEU, mean over answers",
    "回答与参考共有的 n 元词组；句子级 BLEU，按回答取平均",
)
_ROUGE = "F-measure of {what} shared with the best reference, mean over answers"
_ROUGE_ZH = "与最接近的参考共有的{what}的 F 值，按回答取平均"
_DISTINCT = About(
    "0–1",
    "share of different n-grams among the answer's n-grams, mean over answers; high is varied, not better as such",
    "回答中不重复 n 元词组所占的比例，按回答取平均；高只表示用词多样",
)
METRICS = {
    **dict.fromkeys(("bleu", "bleu1", "bleu2", "bleu3"), _BLEU),
    "corpus_bleu": About("0–100", "BLEU-4 of counts summed over all answers", "全部回答合计计数的 BLEU-4"),
    "chrf": About("0–100", "F2 of character 1- to 6-grams over all answers", "全部回答的 1 至 6 元字符组 F2 值"),
    "rouge1": About("0–1", _ROUGE.format(what="words"), _ROUGE_ZH.format(what="词")),
    "rouge2": About("0–1", _ROUGE.format(what="pairs of words"), _ROUGE_ZH.format(what="相邻词对")),
    "rougeL": About(
        "0–1", _ROUGE.format(what="the longest common subsequence"), _ROUGE_ZH.format(what="最长公共子序列")
    ),
    "meteor": About("0–1", "recall-weighted F of exact words, less for scattered matches", "偏重召回的精确词 F 值"),
    "cosine": About(
        "-1 to 1", "cosine of the sentence embeddings of answer and nearest reference", "回答与最近参考的句向量余弦"
    ),
    "bertscore": About("about 0–1", "F1 of contextual token embeddings, rescaled", "上下文词向量的 F1，经重新标定"),
    "distinct1": _DISTINCT,
    "distinct2": _DISTINCT,
    "length": About(
        "0–1",
        "nearness of the answer's length to the nearest reference's: the shorter by the longer, 1 is equally long",
        "回答长度与最近参考长度之比（短除以长），1 表示等长",
    ),
    "length_reference": About(
        "0–1", "a published step function of the answer's length; it rewards long answers", "已发表的按长度分级的得分"
    ),
    "perplexity": About(
        None,
        "how much the references surprise the model, a token; compare it between models of one tokenizer alone",
        "模型对参考回答的困惑度（每词元）；只在同一分词器的模型之间可比",
    ),
}
"""By the metric's name in the configuration; as ``docs/metrics.md`` has it."""
