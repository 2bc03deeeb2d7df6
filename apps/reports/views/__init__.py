"""The pages of the reports, one module a page."""

from __future__ import annotations

from .views_ask import again, ask
from .views_download import download
from .views_list import report_list
from .views_report import report

__all__ = ["again", "ask", "download", "report", "report_list"]
