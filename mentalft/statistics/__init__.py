"""How sure a difference is. Plain arrays in; nothing here knows a metric, a model or a file.

The unit that is resampled and swapped is the dialogue, because the turns of one dialogue are not independent.
"""

from mentalft.statistics.comparing import Measured, Settings, compare_all, compare_groups
from mentalft.statistics.grouping import pooled_depths, pooled_topics, why_no_topics
from mentalft.statistics.inference import FEW_DIALOGUES, LEAST_SEEDS
from mentalft.statistics.length import log_length_ratio
from mentalft.statistics.levels import quantiles
from mentalft.statistics.planning import dialogues_needed, scatter_of_dialogues
from mentalft.statistics.resampling import Swapped, resampled_sums, swapped_sums

__all__ = [
    "FEW_DIALOGUES", "LEAST_SEEDS", "Measured", "Settings", "Swapped", "compare_all", "compare_groups",
    "dialogues_needed", "log_length_ratio", "pooled_depths", "pooled_topics", "quantiles", "resampled_sums",
    "scatter_of_dialogues", "swapped_sums", "why_no_topics",
]  # fmt: skip
