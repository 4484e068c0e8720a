"""Talking to the contenders of a run: :mod:`session` is the conversation, ``terminal`` and ``web`` are its fronts."""
