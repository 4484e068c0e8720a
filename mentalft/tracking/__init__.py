"""Weights & Biases: the only room that knows it."""

from mentalft.tracking.tracker import Tracker

__all__ = ["Tracker"]
