"""What can go wrong with invoices and their mails."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.invoices.preflight import Preflight


class InvoicesError(Exception):
    """Base of the errors of this room."""


class NoCompanyError(InvoicesError):
    """Raised when the issuing company has not been entered yet."""

    def __init__(self) -> None:
        super().__init__(
            "There is no company yet. Enter it in the administration, or run: manage.py seed_demo"
        )


class ImmutableInvoiceError(InvoicesError):
    """Raised when something would change or delete a validated invoice."""

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"Invoice {number} is validated. Correct it with a credit note.")


class NotADraftError(InvoicesError):
    """Raised when an invoice is validated twice."""

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"Invoice {number} is validated already.")


class EmptyInvoiceError(InvoicesError):
    """Raised when an invoice without lines is validated."""

    def __init__(self, pk: int | None) -> None:
        self.pk = pk
        super().__init__(f"{_draft(pk)} has no lines. Add one before validating it.")


class NegativeInvoiceError(InvoicesError):
    """Raised when an invoice or a credit note over less than nothing is validated."""

    def __init__(self, pk: int | None) -> None:
        self.pk = pk
        super().__init__(
            f"{_draft(pk)} comes to less than nothing. Make it a credit note, with positive lines."
        )


class NothingToCreditError(InvoicesError):
    """Raised when a credit note is wanted for what is no validated invoice."""

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"{number} is no validated invoice: there is nothing to take back.")


class OverCreditedError(InvoicesError):
    """Raised when a credit note does not fit the invoice it corrects."""

    def __init__(self, number: str, wanted: Decimal, left: Decimal) -> None:
        self.number = number
        self.wanted = wanted
        self.left = left
        super().__init__(
            f"A credit note of {wanted} does not fit invoice {number}, of which {left} can be "
            "taken back. It must be of the same customer."
        )


class InvalidDocumentError(InvoicesError):
    """Raised when an invoice would make no valid electronic document."""

    def __init__(self, number: str, problem: str) -> None:
        self.number = number
        self.problem = problem
        super().__init__(f"Invoice {number} makes no valid electronic document: {problem}")


class DamagedFileError(InvoicesError):
    """Raised when the file of an invoice is lost or altered, and can't be made again as it was."""

    def __init__(self, number: str, path: str) -> None:
        self.number = number
        self.path = path
        super().__init__(
            f"The file of invoice {number} is lost or was altered. Restore {path} from a backup."
        )


class UnknownPlaceholderError(InvoicesError):
    """Raised when a letter uses a placeholder that does not exist."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        names = ", ".join(f"{{{each}}}" for each in known)
        super().__init__(f"There is no placeholder {{{name}}}. Use one of: {names}")


class NothingToSendError(InvoicesError):
    """Raised when no invoice of a selection can be sent; `preflight` says why."""

    def __init__(self, preflight: Preflight) -> None:
        self.preflight = preflight
        super().__init__("No invoice of this selection can be sent.")


class NoOwnAddressError(InvoicesError):
    """Raised when all e-mails of a mailing are to go to a user who has no address."""

    def __init__(self, username: str) -> None:
        self.username = username
        super().__init__(f"{username} has no e-mail address. Enter one in the administration.")


def _draft(pk: int | None) -> str:
    return "A draft" if pk is None else f"Draft {pk}"


class MailerError(InvoicesError):
    """Base of what sending one mail can end with.

    `code` is the server's, 0 without an answer; `command` is the SMTP command it answered.
    """

    def __init__(self, text: str, *, code: int = 0, command: str = "") -> None:
        self.code = code
        self.text = text
        self.command = command
        super().__init__(f"{code} {text}" if code else text)


class Refused(MailerError):
    """Raised when the server said no for good (5xx): this mail will never be taken."""


class Deferred(MailerError):
    """Raised when the server said "not now" (4xx): the same mail may be taken later."""


class Unwritable(MailerError):
    """Raised when a mail can't be written as SMTP wants it: nothing of it was handed over."""


class Unreachable(MailerError):
    """Raised when no mail at all can be handed over: there is no server, or it hangs up."""


class LoginRefused(Unreachable):
    """Raised when the server does not let this account in."""


class SenderRefused(Unreachable):
    """Raised when the server takes no mail from the sender's address, whoever it is for."""


class Overloaded(Unreachable):
    """Raised when the server has put off so many mails in a row that it means all of them."""


class InDoubt(MailerError):
    """Raised when the line broke after the mail was handed over: it may have been taken."""
