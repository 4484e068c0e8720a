"""What a setting says of itself beside its type: its bounds, and which stages it bears on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any, NamedTuple, Optional

MISSING: Any = "???"
"""OmegaConf's sign for a value that has to be given. Importing it would cost what only looks at runs a third of its
time."""
PACE = "pace"
"""Changes how fast something is done, how often it is logged, saved or tried again; no result."""
PRESENTATION = "presentation"
"""Changes what is shown, and where it is shown; no result."""
PLACE = "place"
"""Says which stages run, and where their files lie; no result."""
NO_RESULT = (PACE, PRESENTATION, PLACE)
MODEL = ("train", "evaluate", "objective", "preflight")
"""Where the model is loaded."""
TRAINING = ("train", "preflight")
ASKING = ("evaluate", "objective")
"""Where a model answers."""
SAMPLING = ("evaluate if eval.do_sample", "objective if eval.do_sample")
SCORING = ("compare", "objective")
BOUNDS = ("at least", "above", "at most", "below")


def value(*, bears_on: str | tuple[str, ...]) -> Any:
    """A setting whose value comes from YAML.

    Args:
        bears_on: the stages whose files depend on it, the one whose value stands for the whole run first; or one of
            :data:`NO_RESULT`. ``"evaluate if eval.do_sample"`` bears on that stage only where that setting is true (not
            null, not 0), ``"evaluate if eval.engine=openai"`` where it has that value.
    """
    return _field({}, bears_on)


def number(
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    bears_on: str | tuple[str, ...],
) -> Any:
    """A setting whose value must respect the given bounds; otherwise as :func:`value`."""
    return _field(dict(zip(BOUNDS, (ge, gt, le, lt), strict=True)), bears_on)


def _field(bounds: dict[str, float | None], bears_on: str | tuple[str, ...]) -> Any:
    stages = (bears_on,) if isinstance(bears_on, str) else bears_on
    return field(default=MISSING, metadata={"bounds": {k: v for k, v in bounds.items() if v is not None}, "on": stages})


@dataclass
class ServerConfig:
    """How a server with OpenAI's chat completions is asked; what changes no answer."""

    api_key_env: Optional[str] = value(bears_on=PACE)
    """The environment variable that holds the key; null sends none. The key itself belongs into no file."""
    requests_per_minute: Optional[int] = number(ge=1, bears_on=PACE)
    """Retries count as well; null sets no limit."""
    timeout: float = number(gt=0, bears_on=PACE)
    """Seconds for one request."""
    max_retries: int = number(ge=0, bears_on=PACE)
    """Of one request, with growing pauses or those that the server asks for."""
    concurrency: int = number(ge=1, bears_on=PACE)
    """Requests under way at the same time."""


def bounds_of(spec: Field[Any]) -> dict[str, float]:
    """The bounds of a setting, in words."""
    return dict(spec.metadata.get("bounds", {}))


class Setting(NamedTuple):
    """A leaf of the configuration."""

    key: str
    """Such as ``trainer.learning_rate``."""
    bears_on: tuple[str, ...]
    """As :func:`value` has it; empty where the field says nothing."""

    @property
    def group(self) -> str:
        """The part of the key before its first dot; empty for a setting at the root."""
        return self.key.rpartition(".")[0].partition(".")[0]


def settings_of(node: Any, prefix: str = "") -> Iterator[Setting]:
    """Every setting of a configuration or of its type, in the order of the schema."""
    from typing import get_type_hints

    hints = get_type_hints(node if isinstance(node, type) else type(node))
    for spec in fields(node):
        key, kind = f"{prefix}{spec.name}", hints[spec.name]
        if isinstance(kind, type) and is_dataclass(kind):
            yield from settings_of(kind, f"{key}.")
        else:
            yield Setting(key, tuple(spec.metadata.get("on", ())))


def value_at(cfg: Any, key: str) -> Any:
    """What ``cfg`` (nested dataclasses or mappings) holds at ``key``."""
    for name in key.split("."):
        cfg = cfg[name] if isinstance(cfg, dict) else getattr(cfg, name)
    return cfg


def bears(setting: Setting, stage: str, cfg: Any) -> bool:
    """Whether the files of ``stage`` depend on ``setting``, other settings being those of ``cfg``."""
    return any(name == stage and _holds(condition, cfg) for name, condition in map(_parts, setting.bears_on))


def stages_of(setting: Setting) -> tuple[str, ...]:
    """The stages that ``setting`` may bear on, without conditions; empty where it bears on no result."""
    return tuple(name for name, _ in map(_parts, setting.bears_on) if name not in NO_RESULT)


def _parts(told: str) -> tuple[str, str]:
    name, _, condition = told.partition(" if ")
    return name, condition


def _holds(condition: str, cfg: Any) -> bool:
    if not condition:
        return True
    key, is_equal, wanted = condition.partition("=")
    found = value_at(cfg, key)
    return str(found) == wanted if is_equal else bool(found)
