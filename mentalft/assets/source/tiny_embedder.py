"""A sentence-transformers embedder for Chinese: one vector a token, averaged; under 4 MB."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections import Counter
from pathlib import Path

import corpus
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import StaticEmbedding
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from mentalft.records import Dialogue

VOCABULARY, WIDTH = 4600, 192
EPOCHS, BATCH, LEARNING_RATE, TEMPERATURE = 12, 256, 0.01, 0.05


def build(text: Path, target: Path) -> None:
    """Start from inverse document frequencies and random directions, then learn from pairs of related texts."""
    torch.manual_seed(0)
    random.seed(0)
    chats, dialogues = corpus.chats(text), corpus.train_dialogues()
    texts = [*(t for c in chats for t in c), *(m.content for d in dialogues for m in d.messages)]
    sentences = [s for t in texts for s in _sentences(t)]
    tokenizer = _tokenizer(sentences)
    weights = _start(tokenizer, sentences)  # (vocabulary, width)
    weights = _learn(tokenizer, weights, _pairs(chats, dialogues))
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights.numpy())])
    target.mkdir(parents=True, exist_ok=True)
    model.save(str(target), create_model_card=False)


def _sentences(text: str) -> list[str]:
    return [s for s in re.split(r"(?<=[。！？；\n])", text) if len(s) > 5]


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
        vocab_size=VOCABULARY, special_tokens=["<unk>"], max_token_length=4, min_frequency=3, show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    return bpe


def _start(tokenizer: Tokenizer, sentences: list[str]) -> torch.Tensor:
    """A token's direction is its own plus those of its characters; its length is its inverse document frequency."""
    size = tokenizer.get_vocab_size()
    seen = Counter(token for s in sentences for token in set(tokenizer.encode(s).ids))
    own = torch.nn.functional.normalize(torch.randn(size, WIDTH), dim=1)
    weights = torch.zeros(size, WIDTH)
    for token, index in tokenizer.get_vocab().items():
        characters = [tokenizer.token_to_id(c) for c in token if tokenizer.token_to_id(c) is not None]
        direction = own[index] + (sum(own[c] for c in characters) if len(token) > 1 else 0)
        idf = math.log((1 + len(sentences)) / (1 + seen[index]))
        weights[index] = torch.nn.functional.normalize(direction, dim=0) * idf if token != "<unk>" else 0
    return weights / weights.norm(dim=1).mean()


def _pairs(chats: list[corpus.Chat], dialogues: list[Dialogue]) -> list[tuple[str, str]]:
    """A question and its answer; a turn of a dialogue and the next; the two halves of a longer text."""
    pairs = [(c.question, c.answer) for c in chats]
    for dialogue in dialogues:
        turns = [m.content for m in dialogue.messages]
        pairs += list(itertools.pairwise(turns))
    for text in [c.answer for c in chats] + [m.content for d in dialogues for m in d.messages]:
        sentences = _sentences(text)
        half = len(sentences) // 2
        if half:
            pairs.append(("".join(sentences[:half]), "".join(sentences[half:])))
    return pairs


def _learn(tokenizer: Tokenizer, weights: torch.Tensor, pairs: list[tuple[str, str]]) -> torch.Tensor:
    """In-batch contrastive learning (InfoNCE): a text is nearer to its partner than to the others' partners."""
    bag = torch.nn.EmbeddingBag.from_pretrained(weights.clone(), mode="mean", freeze=False)
    optimizer = torch.optim.Adam(bag.parameters(), lr=LEARNING_RATE)
    encoded = [(tokenizer.encode(a).ids, tokenizer.encode(b).ids) for a, b in pairs]
    encoded = [(a, b) for a, b in encoded if a and b]
    for epoch in range(EPOCHS):
        random.shuffle(encoded)
        total = 0.0
        for start in range(0, len(encoded), BATCH):
            batch = encoded[start : start + BATCH]
            left, right = (_vectors(bag, [pair[side] for pair in batch]) for side in (0, 1))  # (batch, width) each
            scores = left @ right.T / TEMPERATURE
            target = torch.arange(len(batch))
            loss = (
                torch.nn.functional.cross_entropy(scores, target) + torch.nn.functional.cross_entropy(scores.T, target)
            ) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"embedder: epoch {epoch + 1}/{EPOCHS}, loss {total / len(encoded):.3f}", flush=True)
    return bag.weight.detach()


def _vectors(bag: torch.nn.EmbeddingBag, texts: list[list[int]]) -> torch.Tensor:
    offsets = torch.tensor([0, *(len(t) for t in texts[:-1])]).cumsum(0)
    return torch.nn.functional.normalize(bag(torch.tensor([i for t in texts for i in t]), offsets), dim=1)
