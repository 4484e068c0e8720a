"""Figures of a finished run, for papers and for the report. matplotlib is imported when one is drawn."""

from mentalft.show.plots.svg import inline_svg
from mentalft.show.plots.writing import NAMES, figures_of, write_plots

__all__ = ["NAMES", "figures_of", "inline_svg", "write_plots"]
