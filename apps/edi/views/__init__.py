"""The pages of the EDI desk, one module a page."""

from __future__ import annotations

from .views_decisions import decide, decide_message
from .views_document import document
from .views_file import acknowledgement, content, file
from .views_files import file_list
from .views_upload import upload

__all__ = [
    "acknowledgement",
    "content",
    "decide",
    "decide_message",
    "document",
    "file",
    "file_list",
    "upload",
]
