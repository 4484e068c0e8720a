"""The base model and its tokenizer, loaded the same way for training and for evaluation."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from mentalft.config import ModelConfig
from mentalft.data.prompts import PromptBuilder
from mentalft.errors import ConfigError, ModelError
from mentalft.modeling.locate import LocatedModel, template_file
from mentalft.modeling.precision import PrecisionPlan
from mentalft.modeling.vocabulary import share_vocabulary


def load_tokenizer(cfg: ModelConfig, located: LocatedModel) -> Any:
    """The tokenizer, with a padding token that is not the end-of-turn token where that can be had.

    Labels never come from padding (see :mod:`mentalft.data.batches`), so even a tokenizer without one
    does not lose the end of turn from the loss.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(located.folder), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"model {cfg.name}: no tokenizer can be loaded from {located.folder} ({error})") from error
    _as_configured(tokenizer, cfg)
    if tokenizer.pad_token_id is None:
        spare = [t for t in ("<|finetune_right_pad_id|>", "<|pad|>", "<pad>", "<unk>") if t in tokenizer.get_vocab()]
        tokenizer.pad_token = spare[0] if spare else tokenizer.eos_token
    return tokenizer


def counting_tokenizer(cfg: ModelConfig, located: LocatedModel) -> Any:
    """A tokenizer to count tokens with: the same file and template, without torch, which takes seconds to import."""
    if not (located.folder / "tokenizer.json").is_file():
        return load_tokenizer(cfg, located)
    from transformers import PreTrainedTokenizerFast

    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(str(located.folder), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"model {cfg.name}: no tokenizer can be loaded from {located.folder} ({error})") from error
    _as_configured(tokenizer, cfg)
    return tokenizer


def _as_configured(tokenizer: Any, cfg: ModelConfig) -> None:
    share_vocabulary(tokenizer)
    if cfg.chat_template == "chatml":
        tokenizer.chat_template = None  # which mentalft.data.prompts makes ChatML
    elif path := template_file(cfg):
        tokenizer.chat_template = path.read_text(encoding="utf-8")


def base_config(located: LocatedModel) -> Any:
    """What transformers builds the base model from."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(located.folder), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"model {located.name}: {located.folder}/config.json cannot be used ({error})") from error


def load_base_model(cfg: ModelConfig, located: LocatedModel, plan: PrecisionPlan) -> Any:
    """The base model in ``plan.base_dtype`` on ``plan.device``, in evaluation mode.

    Raises:
        ModelError: the files are not a causal language model, or do not load.
    """
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(located.folder),
            dtype=plan.base_dtype,
            attn_implementation=cfg.attn_implementation,
            quantization_config=_quantization(cfg, plan),
            use_safetensors=True,
            trust_remote_code=False,
        )
    except ImportError as error:
        raise ModelError(f"model.attn_implementation={cfg.attn_implementation}: {error}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"model {cfg.name}: cannot be loaded from {located.folder} ({error})") from error
    return (model if cfg.quantization != "none" else model.to(plan.device)).eval()


def _quantization(cfg: ModelConfig, plan: PrecisionPlan) -> Any:
    """The settings of QLoRA (Dettmers et al. 2023, arXiv:2305.14314): NF4 with doubly quantised constants, or int8."""
    check_quantization(cfg, plan.device)
    if cfg.quantization == "none":
        return None
    from transformers import BitsAndBytesConfig

    if cfg.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=plan.base_dtype,
    )


def check_quantization(cfg: ModelConfig, device: str) -> None:
    """Refuse ``model.quantization`` where it cannot work.

    Raises:
        ConfigError: there is no CUDA GPU, or no bitsandbytes.
    """
    if cfg.quantization == "none":
        return
    if device != "cuda":
        raise ConfigError(
            f"model.quantization={cfg.quantization} needs a CUDA GPU and this machine shows none; use none"
        )
    if find_spec("bitsandbytes") is None:
        raise ConfigError(
            f"model.quantization={cfg.quantization} needs the bitsandbytes package: pip install 'mentalft[qlora]'"
        )


def check_attention(cfg: ModelConfig, device: str) -> None:
    """Refuse ``model.attn_implementation`` where it cannot work.

    Raises:
        ConfigError: FlashAttention without a CUDA GPU, or without its package.
    """
    if cfg.attn_implementation != "flash_attention_2":
        return
    if device != "cuda":
        raise ConfigError(
            "model.attn_implementation=flash_attention_2 needs a CUDA GPU and this machine shows none; use sdpa"
        )
    if find_spec("flash_attn") is None and find_spec("kernels") is None:
        raise ConfigError(
            "model.attn_implementation=flash_attention_2 needs the flash-attn package (pip install flash-attn "
            "--no-build-isolation) or the kernels package; or use sdpa"
        )


def stated_end_token_ids(located: LocatedModel, builder: PromptBuilder) -> list[int]:
    """:func:`end_token_ids` of a model that is not loaded."""
    from types import SimpleNamespace

    from transformers import GenerationConfig

    folder = str(located.folder)
    if (located.folder / "generation_config.json").is_file():
        config = GenerationConfig.from_pretrained(folder)
    else:
        config = GenerationConfig.from_model_config(base_config(located))
    return end_token_ids(SimpleNamespace(generation_config=config), builder)


def end_token_ids(model: Any, builder: PromptBuilder) -> list[int]:
    """Every token that ends an answer: the model's own list, and the one that the chat template closes a turn with."""
    listed = model.generation_config.eos_token_id
    ids = listed if isinstance(listed, list) else [listed]
    return sorted({*ids, builder.tokenizer.eos_token_id, builder.end_token_id} - {None})
