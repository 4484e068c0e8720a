"""One result of a sweep: which trials ran, which one is chosen, and how sure that choice is."""

from mentalft.show.sweep.reading import read_sweep
from mentalft.show.sweep.writing import show_sweep, terminal_tables, write_sweep

__all__ = ["read_sweep", "show_sweep", "terminal_tables", "write_sweep"]
