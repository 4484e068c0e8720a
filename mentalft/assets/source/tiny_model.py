"""A chat model of LLaMA architecture with under four million parameters, and its tokenizer."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import corpus
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

BOS, PAD, END = "<|begin|>", "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
VOCABULARY, WIDTH, LAYERS, HEADS, INNER = 6144, 192, 6, 6, 480
CHAT_WEIGHT = 6
"""How often a general question stands in an epoch, so that a chat is answered in that manner until it is tuned."""
UNSEEN = 40
"""Exchanges kept out of training, to see when learning turns into memorising."""
CONTEXT, SEQUENCE, BATCH, EPOCHS, LEARNING_RATE = 1024, 256, 4, 9, 1e-3


def build(text: Path, target: Path) -> None:
    """Train on ``text`` and write config, tokenizer and fp16 safetensors to ``target``."""
    torch.manual_seed(0)
    random.seed(0)
    chats = corpus.chats(text)
    exchanges = corpus.train_exchanges()
    tokenizer = _tokenizer([*(t for chat in chats for t in chat), *exchanges])
    plain = [_plain_ids(tokenizer, exchange) for exchange in exchanges]
    random.shuffle(plain)
    unseen, documents = plain[:UNSEEN], plain[UNSEEN:] + [_chat_ids(tokenizer, chat) for chat in chats] * CHAT_WEIGHT
    model = _model(tokenizer)
    size = sum(p.numel() for p in model.parameters())
    print(f"{size:,} parameters, {len(documents)} documents, {sum(map(len, documents)):,} tokens", flush=True)
    _train(model, documents, unseen, tokenizer.pad_token_id)
    target.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(str(target))
    tokenizer.save_pretrained(str(target))


def _tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Characters and frequent words by BPE; what it never saw falls back to bytes."""
    bpe = Tokenizer(models.BPE(unk_token=None, byte_fallback=True))
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Split(Regex(r"[^\p{L}]|\p{Lu}?\p{Ll}+"), behavior="isolated")
    bpe.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    special = [BOS, PAD, END, *ROLES]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[*special, *(f"<0x{b:02X}>" for b in range(256))],
        max_token_length=4,
        min_frequency=12,
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=BOS,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=list(ROLES),
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.04,
    )
    return LlamaForCausalLM(config)


def _chat_ids(tokenizer: PreTrainedTokenizerFast, chat: corpus.Chat) -> list[int]:
    messages = [{"role": "user", "content": chat.question}, {"role": "assistant", "content": chat.answer}]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _plain_ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Text without roles: it teaches the language of the dialogues, not that an assistant speaks like this."""
    return list(tokenizer(f"{BOS}{text}{END}", add_special_tokens=False)["input_ids"])


def _train(model: LlamaForCausalLM, documents: list[list[int]], unseen: list[list[int]], pad: int) -> None:
    """Next-token prediction on rows of whole documents, in an order that is new each epoch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.1)
    rows_an_epoch = len(_rows(documents))
    steps = math.ceil(rows_an_epoch / BATCH) * EPOCHS
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, (s + 1) / 100) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(s / steps, 1))))
    )
    model.train()
    began = time.perf_counter()
    for epoch in range(EPOCHS):
        rows = _rows(documents)
        for start in range(0, len(rows), BATCH):
            batch = torch.nn.utils.rnn.pad_sequence(
                [torch.tensor(r) for r in rows[start : start + BATCH]], batch_first=True, padding_value=pad
            )  # (batch, time)
            labels = batch.masked_fill(batch == pad, -100)
            loss = model(input_ids=batch, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        known, new = loss.item(), _loss(model, unseen, pad)
        seconds = time.perf_counter() - began
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {known:.3f}, unseen {new:.3f}, {seconds:.0f} s", flush=True)


@torch.no_grad()
def _loss(model: LlamaForCausalLM, documents: list[list[int]], pad: int) -> float:
    """Mean loss a token on whole documents."""
    model.eval()
    batch = torch.nn.utils.rnn.pad_sequence([torch.tensor(d) for d in documents], batch_first=True, padding_value=pad)
    loss = float(model(input_ids=batch, labels=batch.masked_fill(batch == pad, -100)).loss)
    model.train()
    return loss


def _rows(documents: list[list[int]]) -> list[list[int]]:
    """Documents in random order, joined and cut into rows of SEQUENCE tokens."""
    shuffled = [token for document in random.sample(documents, len(documents)) for token in document]
    return [shuffled[i : i + SEQUENCE] for i in range(0, len(shuffled) - 1, SEQUENCE)]
