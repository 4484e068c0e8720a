"""The configuration: its types and bounds (``schema``), and every check of its values (``checks``)."""

from mentalft.config.report import ReportConfig
from mentalft.config.schema import (
    ARTIFACTS,
    EMBEDDED,
    OPEN_KEYS,
    RUNNING_ORDER,
    STAGES,
    VALIDATION_LOSS,
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
    "EMBEDDED",
    "OPEN_KEYS",
    "RUNNING_ORDER",
    "STAGES",
    "VALIDATION_LOSS",
    "BoundsConfig",
    "Config",
    "DataConfig",
    "EvalConfig",
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
