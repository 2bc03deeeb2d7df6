"""A mailer that knows how far a mail got when something went wrong.

Django's backend alone can't say: after a disconnect its connection is poisoned, and
SMTPServerDisconnected does not tell whether the mail was taken. So the connection (TLS, login,
time-outs) is opened through the configured backend, and MAIL, RCPT and DATA are spoken here:

- before the content is handed over, nothing has happened: a dead connection is reopened and the
  mail tried once more;
- after it, a missing answer is `InDoubt`, and nobody repeats the mail by themselves.

One recipient per envelope: with two, a partial refusal is lost.
"""

from __future__ import annotations

import re
import smtplib
from types import TracebackType
from typing import Self

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SMTPBackend

from apps.invoices.errors import Deferred, InDoubt, MailerError, Refused, Unreachable

#: Servers get impatient with connections that never end.
MAILS_PER_CONNECTION = 100

SERVICE_CLOSING = 421
BEGIN_CONTENT = 354


class _ConnectionDied(Exception):
    """Raised when the connection died before the content was handed over."""

    def __init__(self, text: str, *, code: int = 0) -> None:
        self.code = code
        self.text = text
        super().__init__(text)


class Mailer:
    """Sends one mail at a time over one connection, kept open; use it as a context manager."""

    def __init__(
        self,
        backend: BaseEmailBackend | None = None,
        *,
        mails_per_connection: int = MAILS_PER_CONNECTION,
    ) -> None:
        self._backend = backend or get_connection(fail_silently=False)
        self._mails_per_connection = mails_per_connection
        self._sent_on_connection = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, message: EmailMessage) -> str:
        """Send a mail to its one recipient and return the server's words.

        Raises:
            Refused: 5xx; this mail will never be taken.
            Deferred: 4xx; the same mail may be taken later.
            Unreachable: no server, or it refuses the login; nothing was sent.
            InDoubt: the line broke after the mail was handed over.
        """
        if not isinstance(self._backend, SMTPBackend):
            return self._send_through_backend(message)
        payload = _wire_format(message)
        sender, recipient = _envelope(message)
        try:
            return self._converse(self._backend, sender, recipient, payload)
        except _ConnectionDied:
            # Nothing was handed over: the same mail again on a fresh connection is safe.
            self._drop()
        try:
            return self._converse(self._backend, sender, recipient, payload)
        except _ConnectionDied as died:
            self._drop()
            raise Deferred(died.text, code=died.code) from died

    def close(self) -> None:
        """Say goodbye to the server; the next mail opens a new connection."""
        connection = self._forget()
        if connection is None:
            return
        try:
            connection.quit()
        except (OSError, smtplib.SMTPException):
            connection.close()

    def _converse(self, backend: SMTPBackend, sender: str, recipient: str, payload: bytes) -> str:
        smtp = self._connection(backend)
        try:
            self._expect(smtp, "MAIL", *smtp.mail(sender, _mail_options(smtp, payload)))
            self._expect(smtp, "RCPT", *smtp.rcpt(recipient))
            self._expect(smtp, "DATA", *smtp.docmd("DATA"), wanted=BEGIN_CONTENT // 100)
        except (OSError, smtplib.SMTPException) as error:
            raise _ConnectionDied(str(error)) from error
        try:
            smtp.send(payload + b".\r\n")
            code, words = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise InDoubt(str(error), command="DATA") from error
        self._sent_on_connection += 1
        if code == SERVICE_CLOSING:
            self._drop()
        return _verdict("DATA", code, words)

    def _expect(
        self, smtp: smtplib.SMTP, command: str, code: int, words: bytes, *, wanted: int = 2
    ) -> None:
        """Check the answer to a command; after a no, leave the connection fit for the next mail."""
        if code // 100 == wanted:
            return
        if code == SERVICE_CLOSING or code // 100 not in {4, 5}:
            raise _ConnectionDied(_text(words), code=max(code, 0))
        try:
            smtp.rset()
        except (OSError, smtplib.SMTPException):
            # A server may refuse and hang up at once: its words still count.
            self._drop()
        _verdict(command, code, words)

    def _connection(self, backend: SMTPBackend) -> smtplib.SMTP:
        if self._sent_on_connection >= self._mails_per_connection:
            self.close()
        try:
            if backend.connection is None:
                backend.open()
            if backend.connection is None:
                raise Unreachable("The e-mail backend opened no connection.")
            # open() greets only when it has to log in.
            backend.connection.ehlo_or_helo_if_needed()
        except smtplib.SMTPResponseException as error:
            self._drop()
            raise Unreachable(_text(error.smtp_error), code=error.smtp_code) from error
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unreachable(str(error)) from error
        return backend.connection

    def _drop(self) -> None:
        """Hang up without a word on a connection that can't be trusted any more."""
        connection = self._forget()
        if connection is not None:
            connection.close()

    def _forget(self) -> smtplib.SMTP | None:
        self._sent_on_connection = 0
        if not isinstance(self._backend, SMTPBackend):
            self._backend.close()
            return None
        connection, self._backend.connection = self._backend.connection, None
        return connection

    def _send_through_backend(self, message: EmailMessage) -> str:
        """Send through any other backend (console, file, a provider's API), one mail a call."""
        try:
            taken = self._backend.send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            return _verdict("RCPT", code, words)
        except smtplib.SMTPResponseException as error:
            return _verdict("", error.smtp_code, error.smtp_error)
        except OSError as error:
            # Such a backend doesn't say how far it got.
            raise InDoubt(str(error)) from error
        if not taken:
            raise Refused("The e-mail backend did not take the mail.")
        return "OK"


def _verdict(command: str, code: int, words: bytes | str) -> str:
    """Turn the server's answer to a whole mail into its words or an error."""
    text = _text(words)
    outcomes: dict[int, type[MailerError]] = {4: Deferred, 5: Refused}
    if code // 100 == 2:
        return text
    raise outcomes.get(code // 100, InDoubt)(text, code=max(code, 0), command=command)


def _mail_options(smtp: smtplib.SMTP, payload: bytes) -> list[str]:
    return [f"SIZE={len(payload)}"] if smtp.has_extn("size") else []


def _envelope(message: EmailMessage) -> tuple[str, str]:
    (recipient,) = message.recipients()
    return _ascii_address(_bare(message.from_email)), _ascii_address(recipient)


def _bare(address: str) -> str:
    """Take the address out of `Name <address>`."""
    found = re.search(r"<([^<>]*)>\s*$", address)
    return found.group(1) if found else address


def _ascii_address(address: str) -> str:
    """Write an international domain as DNS knows it."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.encode('idna').decode()}" if not domain.isascii() else address


def _wire_format(message: EmailMessage) -> bytes:
    """Serialize as SMTP wants it: CRLF line ends, dots doubled at the start of a line."""
    raw = message.message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", raw)


def _text(words: bytes | str) -> str:
    """Read a server's words, whatever their encoding, on one line."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())
