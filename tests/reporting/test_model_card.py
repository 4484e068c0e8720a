"""What the adapter's README says."""

from __future__ import annotations

import yaml

from mentalft.reporting.model_card import model_card
from tests.test_conf import composed


def test_it_names_base_data_settings_and_limits() -> None:
    card = model_card(composed(), "meta-llama/Llama-3.2-3B-Instruct", "abc123", 1.2345)
    front = yaml.safe_load(card.split("---")[1])
    assert front["base_model"] == "meta-llama/Llama-3.2-3B-Instruct"
    assert front["library_name"] == "peft"
    for part in ("at revision abc123", "r=8, lora_alpha=32", "q_proj, v_proj", "1.2345", "not a clinician", "12356"):
        assert part in card
