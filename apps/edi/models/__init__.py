"""The tables of the EDI desk, one noun a module."""

from __future__ import annotations

from .document import Document, DocumentKind, DocumentLine, DocumentStatus
from .fault import EdiFault
from .file import EdiFile, FileStatus
from .interchange import Interchange, InterchangeStatus, Reason
from .message import EdiMessage, MessageStatus
from .partner import Acknowledgement, DuplicatePolicy, EnvelopePolicy, Partner

__all__ = [
    "Acknowledgement",
    "Document",
    "DocumentKind",
    "DocumentLine",
    "DocumentStatus",
    "DuplicatePolicy",
    "EdiFault",
    "EdiFile",
    "EdiMessage",
    "EnvelopePolicy",
    "FileStatus",
    "Interchange",
    "InterchangeStatus",
    "MessageStatus",
    "Partner",
    "Reason",
]
