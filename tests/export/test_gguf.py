"""A GGUF and a Modelfile hold the model that was evaluated; where llama.cpp's binding is installed, it answers the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mentalft.errors import ConfigError, ModelError
from mentalft.export import gguf, llama_cpp, ollama
from mentalft.export.gguf import Described, of_head
from mentalft.export.gguf_writing import vocabulary_of, write_gguf
from mentalft.export.llama_cpp import FOLDER, check_quantize, convert, has_binding, program
from mentalft.export.making import proven
from tests.export.conftest import Evaluated

needs_binding = pytest.mark.skipif(not has_binding(), reason="llama-cpp-python is not installed")
LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip


def read_back(folder: Path, name: str = gguf.WEIGHTS) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(folder), gguf_file=name, dtype=torch.float32).eval()


@pytest.fixture
def copied(ollama: Path, tmp_path: Path) -> Path:
    """An export to damage."""
    return Path(shutil.copytree(ollama, tmp_path / "copied"))


@pytest.fixture
def without_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "has_binding", lambda: False)
    monkeypatch.setattr("mentalft.export.ollama.has_binding", lambda: False)


def test_the_weights_in_the_file_are_those_of_the_merged_model(ollama: Path, merged: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    wanted = AutoModelForCausalLM.from_pretrained(str(merged), dtype=torch.float32).state_dict()
    found = read_back(ollama).state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def small(kind: str) -> Any:
    """A random model of few weights: heads that share keys, and are not as wide as the rest."""
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

    sizes: dict[str, Any] = {
        "vocab_size": 3200, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.2,
    }  # fmt: skip
    if kind == "llama":
        return LlamaForCausalLM(
            LlamaConfig(**sizes, head_dim=32, tie_word_embeddings=False, rope_parameters=LLAMA3_ROPE)
        )
    if kind == "qwen2":
        return Qwen2ForCausalLM(Qwen2Config(**sizes))
    return Qwen3ForCausalLM(Qwen3Config(**sizes, head_dim=128, tie_word_embeddings=True))  # transformers reads no other


@pytest.fixture(params=["llama", "qwen2", "qwen3"])
def other(request: pytest.FixtureRequest, tokenizer: Any, tmp_path: Path) -> tuple[Any, Path]:
    """A model of each architecture that is known, and its folder with the GGUF."""
    import torch

    torch.manual_seed(1)
    model = small(request.param).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "bias" in name or "norm" in name:
                value.add_(0.3 * torch.randn_like(value))
    model.save_pretrained(str(tmp_path))
    tokenizer.save_pretrained(str(tmp_path))
    write_gguf(tmp_path, tmp_path / gguf.WEIGHTS, "float32")
    return model, tmp_path


def test_every_known_architecture_is_read_back_by_transformers(other: tuple[Any, Path]) -> None:
    import torch

    model, folder = other
    wanted, found = model.state_dict(), read_back(folder).state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@needs_binding
def test_llama_cpp_computes_what_transformers_computes(other: tuple[Any, Path], evaluated: Evaluated) -> None:
    import numpy as np
    import torch

    model, folder = other
    loaded = llama_cpp.LlamaCppModel(evaluated.source, folder / gguf.WEIGHTS, lambda *_: "")
    tokens = list(range(10, 90))
    with torch.inference_mode():
        wanted = model(torch.tensor([tokens])).logits[0, 39:79].numpy()
    found = loaded.logits(tokens[:40], tokens[40:])
    assert np.abs(found - wanted).max() < 0.05 * wanted.std()


def test_without_the_binding_it_is_exported_and_said_to_be_unproven(
    ollama: Path, evaluated: Evaluated, without_binding: None
) -> None:
    for form in ("gguf", "ollama"):
        export = proven(evaluated.source, evaluated.kept, ollama, form, "float32")
        assert not export.causes
        assert not export.passed
        assert export.not_proven
        assert "proof: not run" in export.not_proven
        assert "mentalft[gguf]" in export.not_proven
        assert export.made.dtype == "float32"


@needs_binding
@pytest.mark.parametrize("form", ["gguf", "ollama"])
def test_llama_cpp_answers_as_was_evaluated(form: str, ollama: Path, evaluated: Evaluated) -> None:
    export = proven(evaluated.source, evaluated.kept, ollama, form, "float32")
    assert export.passed, export.causes
    assert export.proof
    assert export.proof.prompts_equal == export.proof.prompts == len(evaluated.kept)
    assert export.proof.answers_equal == export.proof.answers_equal_to_evaluated == len(evaluated.kept)


@needs_binding
def test_text_comes_back_as_it_was(ollama: Path, evaluated: Evaluated) -> None:
    model = gguf.load_weights(evaluated.source, ollama, lambda *asked: asked[-1][0].content, vocab_only=True)
    text = "我 feel so-so, 123 things…\n\n还好🙂"
    tokens = model.model.tokenize(text.encode(), add_bos=True, special=False)
    assert tokens == evaluated.source.builder.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert model.model.detokenize(tokens).decode() == text
    assert not model.adds_bos
    assert set(evaluated.source.end_ids) <= set(model.end_ids)


@needs_binding
def test_a_vocabulary_that_merges_otherwise_is_named(
    evaluated: Evaluated, merged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As llama.cpp's own converter leaves out the order of merges of such a tokenizer."""

    def unordered(*given: Any) -> Any:
        return vocabulary_of(*given)._replace(scores=[-1000.0] * 3152)

    monkeypatch.setattr("mentalft.export.gguf_writing.vocabulary_of", unordered)
    write_gguf(merged, tmp_path / gguf.WEIGHTS, "float32")
    export = proven(evaluated.source, evaluated.kept, tmp_path, "gguf", "float32")
    assert [cause.name for cause in export.causes] == ["tokenizer changed"]


@needs_binding
def test_it_can_be_quantised(ollama: Path, evaluated: Evaluated, tmp_path: Path) -> None:
    llama_cpp.quantize(ollama / gguf.WEIGHTS, tmp_path / gguf.WEIGHTS, "q8_0")
    export = proven(evaluated.source, evaluated.kept, tmp_path, "gguf", "q8_0")
    assert export.passed, export.causes
    assert export.made.dtype == "q8_0"


def test_the_modelfile_states_all_that_ollama_would_else_choose(ollama: Path) -> None:
    lines = (ollama / "Modelfile").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"FROM ./{gguf.WEIGHTS}"
    assert {'PARAMETER stop "<|end|>"', "PARAMETER temperature 0", "PARAMETER repeat_penalty 1.0"} <= set(lines)
    assert "PARAMETER num_predict 12" in lines
    assert any(line.startswith('LICENSE """Tuned from mentalft-tiny') for line in lines)
    assert not any(str(ollama.parent) in line for line in lines)


DAMAGES = {
    "stop token missing": ('PARAMETER stop "<|end|>"\n', ""),
    "template changed": ("<|user|>", "<|human|>"),
}


@pytest.mark.parametrize("cause", DAMAGES)
def test_a_damaged_modelfile_is_named(cause: str, copied: Path, evaluated: Evaluated, without_binding: None) -> None:
    path = copied / "Modelfile"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(*DAMAGES[cause]), encoding="utf-8")
    export = proven(evaluated.source, evaluated.kept, copied, "ollama", "float32")
    assert [found.name for found in export.causes] == [cause]
    assert not export.passed


def test_a_beginning_of_sequence_token_is_not_written_twice(ollama: Path, evaluated: Evaluated) -> None:
    text = (ollama / "Modelfile").read_text(encoding="utf-8")
    twice = text.replace('TEMPLATE """', 'TEMPLATE """{{ "<|begin|>" }}')
    fields = {"tokenizer.ggml.model": "llama"}  # which llama.cpp takes to begin with one, where the file does not say
    assert ollama_causes(evaluated, Described(fields, "float32", 3152), twice) == ["BOS doubled"]
    fields = {"tokenizer.ggml.add_bos_token": False, **fields}
    assert ollama_causes(evaluated, Described(fields, "float32", 3152), twice) == ["template changed"]
    assert not ollama_causes(evaluated, Described(fields, "float32", 3152), text)


def ollama_causes(evaluated: Evaluated, head: Described, text: str) -> list[str]:
    return [cause.name for cause in ollama.of_modelfile(evaluated.source, head, text)]


@pytest.mark.parametrize(
    ("fields", "rows", "cause"),
    [
        ({"tokenizer.ggml.model": "gpt2", "tokenizer.chat_template": "x"}, 3152, "tokenizer pre-type unknown"),
        ({"tokenizer.ggml.model": "llama", "tokenizer.chat_template": "x"}, 3153, "vocabulary resized"),
        ({"tokenizer.ggml.model": "llama"}, 3152, "template changed"),
    ],
)
def test_what_the_head_of_a_file_shows_is_named(
    fields: dict[str, Any], rows: int, cause: str, evaluated: Evaluated
) -> None:
    assert [found.name for found in of_head(evaluated.source, Described(fields, "float32", rows))] == [cause]


def byte_level(tokenizer: Any, steps: list[dict[str, Any]]) -> Any:
    """The tokenizer as if it cut text by ``steps``."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    described = json.loads(tokenizer.backend_tokenizer.to_str())
    described["model"]["byte_fallback"] = False
    described["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(described)))


def byte_step(use_regex: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def split(regex: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


LIKE_LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@pytest.mark.parametrize(
    ("steps", "pre"),
    [
        ([byte_step(True)], "gpt-2"),
        ([{"type": "Digits", "individual_digits": True}, byte_step(True)], "smollm"),
        ([split(LIKE_LLAMA % "{1,3}"), byte_step(False)], "llama-bpe"),
        ([split(LIKE_LLAMA % ""), byte_step(False)], "qwen2"),
    ],
)
def test_the_ways_to_cut_text_that_are_known(steps: list[dict[str, Any]], pre: str, tokenizer: Any) -> None:
    found = vocabulary_of(byte_level(tokenizer, steps), 3152)
    assert (found.model, found.pre, len(found.merges)) == ("gpt2", pre, 647)


def test_other_ways_are_refused_by_name(tokenizer: Any) -> None:
    for steps in ([split(r"\p{N}{1,4}"), byte_step(False)], [{**byte_step(True), "add_prefix_space": True}]):
        with pytest.raises(ModelError, match=r"cuts text in a way that is not known.*--llama-cpp DIR"):
            vocabulary_of(byte_level(tokenizer, steps), 3152)


def test_other_architectures_are_refused_by_name(small_model: Path, tmp_path: Path) -> None:
    for changed, named in (
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}}, "rope_type linear"),
        ({"model_type": "gpt_neox"}, "type gpt_neox"),
    ):
        folder = Path(shutil.copytree(small_model, tmp_path / named))
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **changed}))
        with pytest.raises(ModelError, match=f"{named}.*--llama-cpp DIR"):
            write_gguf(folder, folder / gguf.WEIGHTS, "float32")


def test_llama_cpps_own_converter_is_used_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "convert_hf_to_gguf.py"
    script.write_text("import sys, pathlib; pathlib.Path(sys.argv[3]).write_text(' '.join(sys.argv[4:]))")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    found = program(llama_cpp.CONVERTERS)
    assert found == script
    convert(found, tmp_path, tmp_path / "made", "bfloat16")
    assert (tmp_path / "made").read_text() == "--outtype bf16"
    script.write_text("raise SystemExit('BPE pre-tokenizer was not recognized')")
    with pytest.raises(ModelError, match="tokenizer pre-type unknown"):
        convert(script, tmp_path, tmp_path / "made", "float32")


def test_a_quantisation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--quantize q9_z .* q4_k_m"):
        check_quantize("q9_z")
