"""``report.html``: a run on one page."""

from mentalft.show.report.page import DRAWN_AS_TABLES, report_html

__all__ = ["DRAWN_AS_TABLES", "report_html"]
