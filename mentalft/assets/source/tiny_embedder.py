"""A sentence-transformers embedder for Chinese: one vector a token, averaged; under 4 MB.

Latent semantic analysis (Deerwester et al. 1990, "Indexing by latent semantic analysis", JASIS 41(6)) gives the
vectors, a little contrastive learning from pairs of related texts bends them (van den Oord et al. 2018,
arXiv 1807.03748). The bank's texts are read, as TF-IDF would read them; which answer belongs to which question is not.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import corpus
import numpy as np
import torch
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import svds
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import StaticEmbedding
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from mentalft.assets import QUESTION_BANK
from mentalft.files import read_jsonl

VOCABULARY, WIDTH = 4600, 192
CHARACTER_SHARE = 0.7
"""A word counts as itself, as each shorter word in it, and by this share as each of its characters."""
BANK_WEIGHT = 5.0
"""The bank's texts count so much more in the analysis, so that its words keep directions of their own."""
EPOCHS, BATCH, LEARNING_RATE, TEMPERATURE = 3, 256, 0.002, 0.05


def build(text: Path, target: Path) -> None:
    """Write the embedder to ``target``."""
    torch.manual_seed(0)
    random.seed(0)
    chats, dialogues = corpus.chats(text), corpus.train_dialogues()
    bank = [t for row in read_jsonl(QUESTION_BANK) for t in (row["question"], row["answer"])]
    texts = [*(t for c in chats for t in c), *(m.content for d in dialogues for m in d.messages)]
    tokenizer = _tokenizer(texts + bank)
    weights = _analysis(tokenizer, texts, bank)  # (vocabulary, width)
    answers = bank[1::2]
    pairs = [p for t in [*(c.answer for c in chats), *answers] for p in _cloze(t)] + [tuple(c) for c in chats]
    weights = _learn(tokenizer, weights, pairs)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights.numpy())])
    target.mkdir(parents=True, exist_ok=True)
    model.save(str(target), create_model_card=False)


def _tokenizer(texts: list[str]) -> Tokenizer:
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[^\p{L}\p{N}]+"), behavior="removed"),
            pre_tokenizers.Split(Regex(r"[a-z]+|[0-9]+"), behavior="isolated"),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<unk>"], max_token_length=4, min_frequency=2, show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    return bpe


def _analysis(tokenizer: Tokenizer, texts: list[str], bank: list[str]) -> torch.Tensor:
    """Vectors whose inner products are those of TF-IDF, as nearly as ``WIDTH`` allows: (vocabulary, width)."""
    encoded = [tokenizer.encode(t).ids for t in [*texts, *bank]]
    features = _features(tokenizer, encoded[len(texts) :])
    rows = [document for document, ids in enumerate(encoded) for _ in ids]
    columns = [token for ids in encoded for token in ids]
    counts = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(encoded), features.shape[0])) @ features
    lengths = np.maximum(np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel()), 1e-9)
    weight = np.where(np.arange(len(encoded)) < len(texts), 1.0, BANK_WEIGHT)
    _, _, directions = svds(diags(weight / lengths) @ counts, k=WIDTH, random_state=0)
    vectors = torch.tensor(np.asarray(features @ directions.T), dtype=torch.float32)
    vectors[tokenizer.token_to_id("<unk>")] = 0
    return vectors / vectors.norm(dim=1).mean()


def _features(tokenizer: Tokenizer, bank: list[list[int]]) -> csr_matrix:
    """What a token counts as: itself and its parts, each by its squared inverse document frequency in the bank."""
    parts = {index: _parts(token, tokenizer) for token, index in tokenizer.get_vocab().items()}
    seen = Counter(i for ids in bank for i in {*ids, *(part for t in ids for part in parts[t])})
    idf = [(np.log((1 + len(bank)) / (1 + seen[i])) + 1) ** 2 for i in range(len(parts))]
    entries = [(i, i, idf[i]) for i in parts]
    entries += [(i, part, share * idf[part]) for i, found in parts.items() for part, share in found.items()]
    rows, columns, values = zip(*entries, strict=True)
    return csr_matrix((values, (rows, columns)), shape=(len(parts), len(parts)))


def _parts(token: str, tokenizer: Tokenizer) -> dict[int, float]:
    """The tokens that stand inside ``token``, and the share by which each counts."""
    spans = [token[i:j] for i in range(len(token)) for j in range(i + 1, len(token) + 1) if j - i < len(token)]
    known = {span: tokenizer.token_to_id(span) for span in spans if token != "<unk>"}
    return {i: CHARACTER_SHARE if len(span) == 1 else 1.0 for span, i in known.items() if i is not None}


def _cloze(text: str) -> list[tuple[str, str]]:
    """Each clause of ``text`` with the rest of it (the inverse cloze task of Lee et al. 2019, arXiv 1906.00300)."""
    clauses = [c for c in re.split(r"(?<=[。！？；，：])", text) if len(c) > 3]
    return [(clause, "".join(clauses[:i] + clauses[i + 1 :])) for i, clause in enumerate(clauses) if len(clauses) > 1]


def _learn(tokenizer: Tokenizer, weights: torch.Tensor, pairs: list[tuple[str, ...]]) -> torch.Tensor:
    """In-batch contrastive learning: a text is nearer to its partner than to the partners of others."""
    bag = torch.nn.EmbeddingBag.from_pretrained(weights.clone(), mode="mean", freeze=False)
    optimizer = torch.optim.Adam(bag.parameters(), lr=LEARNING_RATE)
    encoded = [tuple(tokenizer.encode(text).ids for text in pair) for pair in pairs]
    encoded = [pair for pair in encoded if all(pair)]
    for epoch in range(EPOCHS):
        random.shuffle(encoded)
        total = 0.0
        for start in range(0, len(encoded), BATCH):
            batch = encoded[start : start + BATCH]
            left, right = (_vectors(bag, [pair[side] for pair in batch]) for side in (0, 1))  # (batch, width) each
            scores = left @ right.T / TEMPERATURE
            target = torch.arange(len(batch))
            losses = [torch.nn.functional.cross_entropy(s, target) for s in (scores, scores.T)]
            loss = (losses[0] + losses[1]) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"embedder: epoch {epoch + 1}/{EPOCHS}, loss {total / len(encoded):.3f}", flush=True)
    return bag.weight.detach()


def _vectors(bag: torch.nn.EmbeddingBag, texts: list[list[int]]) -> torch.Tensor:
    offsets = torch.tensor([0, *(len(t) for t in texts[:-1])]).cumsum(0)
    return torch.nn.functional.normalize(bag(torch.tensor([i for t in texts for i in t]), offsets), dim=1)
