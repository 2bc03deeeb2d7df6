"""A mailer that knows how far a mail got when something went wrong.

Django's backend alone can't say: after a disconnect its connection is poisoned, and
SMTPServerDisconnected does not tell whether the mail was taken. So the connection (TLS, login,
time-outs) is opened through the configured backend, and MAIL, RCPT and DATA are spoken here:

- before the content is handed over, nothing has happened: a dead connection is reopened and the
  mail tried once more;
- after it, a missing answer is `InDoubt`, and nobody repeats the mail by themselves.

One recipient per envelope: with two, a partial refusal is lost. A backend that sends in a way of
its own gets whole messages, one a call.
"""

from __future__ import annotations

import smtplib
import socket
from time import monotonic
from types import TracebackType
from typing import Self

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SMTPBackend

from apps.invoices import wire
from apps.invoices.errors import (
    Deferred,
    InDoubt,
    LoginRefused,
    MailerError,
    Refused,
    SenderRefused,
    Unreachable,
    Unwritable,
)

#: Servers get impatient with connections that never end.
MAILS_PER_CONNECTION = 100

#: After so many seconds of silence a server may have hung up without our knowing.
IDLE_SECONDS = 20.0

SERVICE_CLOSING = 421
TOO_BIG = 552
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
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._backend = backend or get_connection(fail_silently=False)
        self._smtp = _as_plain_smtp(self._backend)
        self._mails_per_connection = mails_per_connection
        self._idle_seconds = idle_seconds
        self._sent_on_connection = 0
        self._last_used = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def account(self) -> str:
        """Name the account that mails leave by: what a provider counts and may shut."""
        backend = self._backend
        if isinstance(backend, SMTPBackend):
            user = f"{backend.username}@" if backend.username else ""
            return f"{user}{backend.host}:{backend.port}"
        return f"{type(backend).__module__}.{type(backend).__qualname__}"

    def send(self, message: EmailMessage) -> str:
        """Send a mail to its one recipient and return the server's words.

        Raises:
            Refused: 5xx; this mail will never be taken.
            Deferred: 4xx; the same mail may be taken later.
            Unwritable: it can't be written down; nothing was sent.
            Unreachable: no server, or it refuses the login or the sender; nothing was sent.
            InDoubt: the line broke after the mail was handed over.
        """
        if self._smtp is None:
            return self._send_through_backend(message)
        try:
            payload = wire.serialize(message)
            sender, recipient = wire.envelope(message)
        except Exception as error:  # (whatever it was: nothing has left)
            raise Unwritable(str(error)) from error
        try:
            return self._converse(self._smtp, sender, recipient, payload)
        except _ConnectionDied:
            # Nothing was handed over: the same mail again on a fresh connection is safe.
            self._drop()
        try:
            return self._converse(self._smtp, sender, recipient, payload)
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
            self._expect(smtp, "MAIL", *smtp.mail(sender, wire.mail_options(smtp, payload)))
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
        self._last_used = monotonic()
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
            raise _ConnectionDied(wire.one_line(words), code=max(code, 0))
        try:
            smtp.rset()
        except (OSError, smtplib.SMTPException):
            # A server may refuse and hang up at once: its words still count.
            self._drop()
        if command == "MAIL" and code // 100 == 5 and code != TOO_BIG:
            # Nothing has been said of this mail yet: every other one would be refused as well.
            raise SenderRefused(wire.one_line(words), code=code, command=command)
        _verdict(command, code, words)

    def _connection(self, backend: SMTPBackend) -> smtplib.SMTP:
        idle = monotonic() - self._last_used if self._sent_on_connection else 0.0
        if self._sent_on_connection >= self._mails_per_connection or idle > self._idle_seconds:
            self.close()
        try:
            if backend.connection is None:
                backend.open()
            if backend.connection is None:
                raise Unreachable("The e-mail backend opened no connection.")
            # open() greets only when it has to log in.
            backend.connection.ehlo_or_helo_if_needed()
        except smtplib.SMTPAuthenticationError as error:
            self._drop()
            raise LoginRefused(wire.one_line(error.smtp_error), code=error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            # It offers no login, or no encryption, and the settings ask for one.
            self._drop()
            raise LoginRefused(str(error)) from error
        except smtplib.SMTPResponseException as error:
            self._drop()
            raise Unreachable(wire.one_line(error.smtp_error), code=error.smtp_code) from error
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
        if self._smtp is None:
            self._backend.close()
            return None
        connection, self._smtp.connection = self._smtp.connection, None
        return connection

    def _send_through_backend(self, message: EmailMessage) -> str:
        """Send through any other backend (console, file, a provider's API), one mail a call."""
        try:
            taken = self._backend.send_messages([message])
        except smtplib.SMTPAuthenticationError as error:
            raise LoginRefused(wire.one_line(error.smtp_error), code=error.smtp_code) from error
        except (ConnectionRefusedError, socket.gaierror) as error:
            raise Unreachable(str(error)) from error
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


def _as_plain_smtp(backend: BaseEmailBackend) -> SMTPBackend | None:
    """Give the backend if Django's own SMTP code would do its sending, however it is opened."""
    if not isinstance(backend, SMTPBackend):
        return None
    for name in ("send_messages", "_send"):
        if getattr(type(backend), name, None) is not getattr(SMTPBackend, name, None):
            return None
    return backend


def _verdict(command: str, code: int, words: bytes | str) -> str:
    """Turn the server's answer to a whole mail into its words or an error."""
    text = wire.one_line(words)
    outcomes: dict[int, type[MailerError]] = {4: Deferred, 5: Refused}
    if code // 100 == 2:
        return text
    raise outcomes.get(code // 100, InDoubt)(text, code=max(code, 0), command=command)
