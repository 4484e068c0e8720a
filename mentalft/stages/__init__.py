"""The stages of an experiment, in the order in which they run."""

from mentalft.runs.stage import Stage
from mentalft.stages.compare import COMPARE
from mentalft.stages.evaluate import ANSWERS, EVALUATE
from mentalft.stages.forgetting import FORGETTING
from mentalft.stages.judge import JUDGE
from mentalft.stages.objective import OBJECTIVE
from mentalft.stages.prepare import PREPARE
from mentalft.stages.screen import SCREEN
from mentalft.stages.train import PREFLIGHT, TRAIN

STAGES: tuple[Stage, ...] = (
    PREPARE,
    PREFLIGHT,
    TRAIN,
    OBJECTIVE,
    EVALUATE,
    ANSWERS,
    SCREEN,
    FORGETTING,
    JUDGE,
    COMPARE,
)
__all__ = [
    "ANSWERS", "COMPARE", "EVALUATE", "FORGETTING", "JUDGE", "OBJECTIVE", "PREFLIGHT", "PREPARE", "SCREEN", "STAGES",
    "TRAIN",
]  # fmt: skip
