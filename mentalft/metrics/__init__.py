"""One metric a file, each a pure function ``(responses, references) -> per-item scores`` with a signature."""
