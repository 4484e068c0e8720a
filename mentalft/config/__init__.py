"""The configuration: its types and bounds (``schema``), and every check of its values (``checks``)."""

from mentalft.config.judge import JudgeConfig
from mentalft.config.report import ReportConfig
from mentalft.config.schema import (
    ARTIFACTS,
    AUTO,
    EMBEDDED,
    EMBEDDED_MODEL,
    OPEN_KEYS,
    RUNNING_ORDER,
    STAGES,
    VALIDATION_LOSS,
    BoundConfig,
    BoundsConfig,
    Config,
    DataConfig,
    EvalConfig,
    ModelConfig,
    OpenAIConfig,
    ResponsesConfig,
    TokenizerName,
    TrackingConfig,
    extra_name,
    source_name,
)
from mentalft.config.training import LoraConfig, TrainerConfig

__all__ = [
    "ARTIFACTS",
    "AUTO",
    "EMBEDDED",
    "EMBEDDED_MODEL",
    "OPEN_KEYS",
    "RUNNING_ORDER",
    "STAGES",
    "VALIDATION_LOSS",
    "BoundConfig",
    "BoundsConfig",
    "Config",
    "DataConfig",
    "EvalConfig",
    "JudgeConfig",
    "LoraConfig",
    "ModelConfig",
    "OpenAIConfig",
    "ReportConfig",
    "ResponsesConfig",
    "TokenizerName",
    "TrackingConfig",
    "TrainerConfig",
    "extra_name",
    "source_name",
]
