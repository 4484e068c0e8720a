"""A transformers folder written as GGUF with the ``gguf`` package, for the models and tokenizers of which we know how.

llama.cpp's own converter knows all of them; this is for machines without it. What is not known here is refused by name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mentalft.errors import ModelError
from mentalft.export.loaded import end_ids_in

if TYPE_CHECKING:
    import numpy as np
    import torch

OTHER_WAY = "give --llama-cpp DIR, a clone of llama.cpp, whose converter knows more"
PERMUTED = {"llama": True, "qwen2": False, "qwen3": False}
"""``model_type`` → whether llama.cpp wants the rows of queries and keys in another order: it turns neighbouring pairs
where transformers turns the two halves of a head (Su et al. 2021, arXiv:2104.09864)."""
TYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
"""What llama.cpp calls a dtype."""
BYTE = r"<0x[0-9A-F]{2}>"
LIKE_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PRE_TOKENIZERS = {
    (("ByteLevel", True),): "gpt-2",
    (("Digits", True), ("ByteLevel", True)): "smollm",
    (("Split", LIKE_LLAMA_3.replace("DIGITS", r"\p{N}{1,3}")), ("ByteLevel", False)): "llama-bpe",
    (("Split", LIKE_LLAMA_3.replace("DIGITS", r"\p{N}")), ("ByteLevel", False)): "qwen2",
}
"""How ``tokenizer.json`` cuts text before it merges → what llama.cpp calls it."""


class Vocabulary(NamedTuple):
    """A tokenizer as GGUF describes one."""

    model: str
    """``gpt2``: merges of bytes; ``llama``: merges of characters, as SentencePiece has them."""
    pre: str
    merges: list[str]
    scores: list[float]
    """Of ``llama``: the higher, the earlier two pieces are merged into this one."""


def write_gguf(folder: Path, path: Path, dtype: str) -> None:
    """Write the model in ``folder`` to ``path``; matrices in ``dtype``, vectors in 32 bit as llama.cpp has them.

    Raises:
        ModelError: its architecture, tokenizer or a tensor is not one that is known here.
    """
    import gguf
    from transformers import AutoConfig, AutoTokenizer

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    _check_architecture(config)
    writer = gguf.GGUFWriter(None, config.model_type)
    writer.add_name(folder.name)
    _add_settings(writer, config, dtype)
    _add_vocabulary(writer, tokenizer, config.vocab_size)
    _add_ends(writer, tokenizer.eos_token_id, end_ids_in(folder))
    arrays = _Arrays(folder, config, dtype)
    for name, shape, kind in arrays.described():
        size = math.prod(shape) * gguf.GGML_QUANT_SIZES[kind][1]
        writer.add_tensor_info(name, shape, arrays.numpy_type(kind), size, raw_dtype=kind)
    writer.write_header_to_file(path)
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for array in arrays:  # one in memory at a time
        writer.write_tensor_data(array)
    writer.close()


def _check_architecture(config: Any) -> None:
    if config.model_type not in PERMUTED:
        raise ModelError(
            f"GGUF: a model of the type {config.model_type} is not known here, only {', '.join(PERMUTED)}; {OTHER_WAY}"
        )
    kind = config.rope_parameters["rope_type"]
    if kind not in ("default", "llama3") or getattr(config, "use_sliding_window", False):
        what = f"rope_type {kind}" if kind not in ("default", "llama3") else "use_sliding_window"
        raise ModelError(f"GGUF: config.json has {what}, which is not known here; {OTHER_WAY}")


def _add_settings(writer: Any, config: Any, dtype: str) -> None:
    import gguf

    writer.add_file_type(gguf.LlamaFileType[{"float32": "ALL_F32"}.get(dtype, f"MOSTLY_{_kind(dtype).name}")])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(_head_dim(config))
    writer.add_key_length(_head_dim(config))
    writer.add_value_length(_head_dim(config))
    writer.add_vocab_size(config.vocab_size)


def _head_dim(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _kind(dtype: str) -> Any:
    """The type of a tensor in GGUF."""
    import gguf

    return gguf.GGMLQuantizationType[TYPES[dtype]]


def _add_ends(writer: Any, eos: int | None, ends: list[int]) -> None:
    """The tokens at which generation ends; the file has a place for three, and llama.cpp knows many by their names."""
    ordered = [*([eos] if eos is not None else []), *(token for token in ends if token != eos)]
    places = (writer.add_eos_token_id, writer.add_eot_token_id, writer.add_eom_token_id)
    for add, number in zip(places, ordered, strict=False):
        add(number)


def _add_vocabulary(writer: Any, tokenizer: Any, size: int) -> None:
    vocabulary, tokens = vocabulary_of(tokenizer, size), tokens_of(tokenizer, size)
    if vocabulary.model == "llama":
        tokens = [_with_spaces(*token) for token in tokens]
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_types([kind for _, kind in tokens])
    if vocabulary.merges:
        writer.add_token_merges(vocabulary.merges)
    if vocabulary.scores:
        writer.add_token_scores(vocabulary.scores)
        writer.add_add_space_prefix(False)
    for add, number in (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_unk_token_id, tokenizer.unk_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
    ):
        if number is not None:
            add(number)
    writer.add_add_bos_token(False)  # the chat template writes it
    writer.add_add_eos_token(False)
    writer.add_chat_template(tokenizer.chat_template)


def tokens_of(tokenizer: Any, size: int) -> list[tuple[str, Any]]:
    """The text and type of each of ``size`` tokens, those without a text among them."""
    import gguf

    kinds, texts = gguf.TokenType, {number: text for text, number in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    found = []
    for number in range(size):
        text = texts.get(number)
        if text is None:
            found.append((f"[PAD{number}]", kinds.UNUSED))
        elif re.fullmatch(BYTE, text):
            found.append((text, kinds.BYTE))
        elif number in added:
            found.append((text, kinds.CONTROL if added[number].special else kinds.USER_DEFINED))
        else:
            found.append((text, kinds.NORMAL))
    return found


def _with_spaces(text: str, kind: Any) -> tuple[str, Any]:
    """A token as SentencePiece has it, which looks for U+2581 in place of a space, also where a byte stands for it."""
    import gguf

    if kind == gguf.TokenType.BYTE and text == "<0x20>":
        return "▁", gguf.TokenType.NORMAL
    return (text.replace(" ", "▁") if kind == gguf.TokenType.NORMAL else text), kind


def vocabulary_of(tokenizer: Any, size: int) -> Vocabulary:
    """How llama.cpp is to make tokens of text.

    Raises:
        ModelError: it could not make those that ``tokenizer`` makes, as far as we know.
    """
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    model, cut = described["model"], described["pre_tokenizer"] or {}
    steps = [_step(step) for step in cut.get("pretokenizers", [cut])]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model.get("merges", [])]
    if (described["normalizer"] or {"type": "NFC"})["type"] != "NFC" or model["type"] != "BPE":
        raise ModelError(f"GGUF: tokenizer.json has a normalizer or a model that is not known here; {OTHER_WAY}")
    if pre := PRE_TOKENIZERS.get(tuple(steps)):
        return Vocabulary("gpt2", pre, merges, [])
    if not model["byte_fallback"] or _crossing(tokenizer):
        raise ModelError(
            f"GGUF: tokenizer.json cuts text in a way that is not known here (pre_tokenizer {json.dumps(cut)[:120]}), "
            f"and with a wrong one the model would read other tokens; {OTHER_WAY}"
        )
    scores = [0.0] * size
    for rank, pair in enumerate(model["merges"]):
        number = model["vocab"]["".join(pair)]
        scores[number] = scores[number] or -1.0 - rank
    return Vocabulary("llama", "default", [], scores)


def _step(step: dict[str, Any]) -> tuple[str, Any]:
    settings = {"ByteLevel": "use_regex", "Digits": "individual_digits"}
    kind = step.get("type", "")
    if kind == "Split" and step["behavior"] == "Isolated" and not step["invert"]:
        return kind, step["pattern"].get("Regex")
    if step.get("add_prefix_space"):
        return kind, None
    return kind, step.get(settings.get(kind, ""))


def _crossing(tokenizer: Any) -> bool:
    """Whether a token of several pieces exists, so that merging without cutting first would find it.

    Where there is none, the cuts change nothing; SentencePiece, as llama.cpp has it for such vocabularies, makes none.
    """
    cut = tokenizer.backend_tokenizer.pre_tokenizer
    added = tokenizer.added_tokens_decoder
    texts = [text for text, number in tokenizer.get_vocab().items() if number not in added and len(text) > 1]
    return any(len(cut.pre_tokenize_str(t)) > 1 for t in texts if not re.fullmatch(BYTE, t))


class _Arrays:
    """The tensors of a folder under their names in GGUF, in one order."""

    def __init__(self, folder: Path, config: Any, dtype: str) -> None:
        import gguf
        from safetensors import safe_open

        self.config, self.dtype = config, dtype
        names = gguf.get_tensor_name_map(_architecture(config), config.num_hidden_layers)
        self.places: dict[str, tuple[Any, str]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            file: Any = safe_open(path, "pt")
            for name in file.keys():  # noqa: SIM118 - not a mapping
                found = names.get_name(name, try_suffixes=(".weight", ".bias"))
                if found is None:
                    raise ModelError(f"GGUF: {path} has a tensor {name}, which is not known here; {OTHER_WAY}")
                self.places[found] = file, name
        self.frequencies = rope_factors(config)

    def described(self) -> Iterator[tuple[str, tuple[int, ...], Any]]:
        """Name, shape and type of each."""
        if self.frequencies is not None:
            yield "rope_freqs.weight", self.frequencies.shape, _kind("float32")
        for found, (file, name) in self.places.items():
            shape = tuple(file.get_slice(name).get_shape())
            yield found, shape, _kind(self.dtype if len(shape) > 1 else "float32")

    def __iter__(self) -> Iterator[np.ndarray[Any, Any]]:
        import gguf

        if self.frequencies is not None:
            yield self.frequencies
        for file, name in self.places.values():
            tensor = file.get_tensor(name).float()
            heads = self.config.num_attention_heads if ".q_proj." in name else self.config.num_key_value_heads
            if PERMUTED[self.config.model_type] and re.search(r"\.[qk]_proj\.", name):
                tensor = permuted(tensor, heads)
            kind = _kind(self.dtype if tensor.ndim > 1 else "float32")
            yield gguf.quants.quantize(tensor.numpy(), kind)

    @staticmethod
    def numpy_type(kind: Any) -> Any:
        import numpy as np

        return np.dtype({"F32": np.float32, "F16": np.float16}.get(kind.name, np.uint16))


def _architecture(config: Any) -> Any:
    import gguf

    return next(number for number, name in gguf.MODEL_ARCH_NAMES.items() if name == config.model_type)


def permuted(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of each head from (half, pair) to (pair, half) order: (heads × head_dim, …)."""
    return tensor.reshape(heads, 2, -1, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


def rope_factors(config: Any) -> np.ndarray[Any, Any] | None:
    """By what each frequency is divided in LLaMA 3.1 and later: (head_dim / 2,); None where by nothing."""
    import numpy as np
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    rope = config.rope_parameters
    if rope["rope_type"] != "llama3":
        return None
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 1.0 / rope["rope_theta"] ** (np.arange(0, _head_dim(config), 2) / _head_dim(config))
    factors: np.ndarray[Any, Any] = (plain / scaled.double().numpy()).astype(np.float32)
    return factors
