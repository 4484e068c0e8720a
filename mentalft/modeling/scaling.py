"""An adapter at a part of its strength, in the loaded model: 0 is the base, 1 the adapter as it was trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def adapter_at(model: Any, name: str, scale: float) -> Iterator[None]:
    """While the block runs, everything that the adapter ``name`` changes in the base is changed ``scale`` times as far.

    The update of LoRA and rsLoRA is multiplied by ``scale``; DoRA's magnitudes, and modules that were trained in full,
    go as far on the straight line from the base's to their own. Afterwards every number is what it was.
    """
    import torch
    from peft.tuners.lora import LoraLayer
    from peft.utils import ModulesToSaveWrapper

    scalings = [m.scaling for m in model.modules() if isinstance(m, LoraLayer) and name in m.scaling]
    moved: dict[int, tuple[torch.nn.Parameter, torch.Tensor]] = {}  # weights that are tied stand there once
    for module in model.modules():
        if isinstance(module, LoraLayer) and name in module.lora_magnitude_vector:
            magnitude = module.lora_magnitude_vector[name].weight
            moved[id(magnitude)] = magnitude, _norm(module, name)
        elif isinstance(module, ModulesToSaveWrapper) and name in module.modules_to_save:
            before = dict(module.original_module.named_parameters())
            for key, weight in module.modules_to_save[name].named_parameters():
                moved[id(weight)] = weight, before[key]
    if not scalings and not moved:
        raise ValueError(f"the model has no adapter {name}")
    trained = [(weight, weight.data) for weight, _ in moved.values()]
    strengths = [scaling[name] for scaling in scalings]
    try:
        for scaling in scalings:
            scaling[name] *= scale
        for weight, start in moved.values():
            weight.data = torch.lerp(start.data.to(weight.dtype), weight.data, scale)
        yield
    finally:
        for scaling, strength in zip(scalings, strengths, strict=True):
            scaling[name] = strength
        for weight, data in trained:
            weight.data = data


def _norm(layer: Any, name: str) -> Any:
    """The magnitudes that DoRA begins with: the norms of the base's weights (Liu et al. 2024, arXiv:2402.09353)."""
    from peft.utils.integrations import dequantize_module_weight

    weight = dequantize_module_weight(layer.get_base_layer())
    dora = layer.lora_magnitude_vector[name]
    return dora.get_weight_norm(weight.to(dora.weight.dtype), 0.0, 0.0)
