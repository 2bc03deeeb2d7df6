"""What can go wrong at the EDI desk; what is wrong *in* a file is a fault, and no error."""

from __future__ import annotations

from apps.core.errors import ItemFailed
from apps.edi import words
from apps.edi.reader import Fault


class EdiDeskError(Exception):
    """Base of the errors of this room."""


class TooLargeError(EdiDeskError):
    """Raised when a file is larger than is taken; both sizes are in bytes."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        self.name = name
        self.size = size
        self.limit = limit
        super().__init__(
            f"{name} has {size} bytes, more than the {limit} that are taken. Ask the partner to "
            "split it, or raise EDI_MAX_BYTES."
        )


class NotDecidableError(EdiDeskError):
    """Raised when there is nothing to decide, such as when somebody else has."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} waits for no decision. Load the page again.")


class UnsafeXmlError(EdiDeskError):
    """Raised when an XML file defines entities or a document type: invoices have neither."""

    def __init__(self) -> None:
        super().__init__("The XML declares a document type or entities. Ask for a file without.")


class NoInvoiceError(EdiDeskError):
    """Raised when an XML or PDF file holds no electronic invoice that can be read."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"No Factur-X, CII or UBL invoice can be read in this file: {why}")


class MessageRefused(ItemFailed):
    """Raised when a message does not become a document; `findings` are to be kept with it."""

    def __init__(self, refusals: list[Fault], findings: list[Fault]) -> None:
        self.refusals = refusals
        self.findings = findings
        msgid, params = words.of(refusals[0])
        super().__init__(msgid, code=refusals[0].code, params=params)
