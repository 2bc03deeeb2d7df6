"""A local SMTP server that keeps every mail and fails on demand. Needs aiosmtpd (a demo extra).

The recipient's local part chooses the outcome: `5xx-550.…@` and `4xx-451.…@` are refused with that
code, `drop-data@` is taken but never confirmed, `slow-500@` is confirmed half a second late. As big
providers do, it may also cut every connection after so many mails.
"""

from __future__ import annotations

import asyncio
import mailbox
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_MAIL_BYTES = 50_000_000

_REFUSED = re.compile(r"^([45])xx-(\d{3})\b")
_SLOW = re.compile(r"^slow-(\d+)@")


class Sink:
    """What the server does with mails, and how many connections and mails it has seen."""

    def __init__(self, maildir: Path, *, cut_every: int = 0) -> None:
        maildir.parent.mkdir(parents=True, exist_ok=True)
        self._box = mailbox.Maildir(str(maildir), create=True)
        self._cut_every = cut_every
        self.connections = 0
        self.mails = 0

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Begin a mail, or cut the connection when it has brought enough."""
        if self._cut_every and self._kept_of(session) >= self._cut_every:
            if server.transport is not None:
                asyncio.get_running_loop().call_later(0.01, server.transport.close)
            return "421 4.7.0 too many messages on this connection"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Accept a recipient, or refuse it as its local part asks."""
        if found := _REFUSED.match(address):
            kind = "temporary" if found[1] == "4" else "permanent"
            return f"{found[2]} {found[2][0]}.1.1 <{address}>: simulated {kind} failure"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, then answer as its first recipient asks."""
        self._keep(envelope)
        session.kept = self._kept_of(session) + 1  # type: ignore[attr-defined]
        first = envelope.rcpt_tos[0]
        if first.startswith("drop-data"):
            # The worst case for a sender: the mail is taken, and nobody says so.
            if server.transport is not None:
                server.transport.close()
        elif found := _SLOW.match(first):
            await asyncio.sleep(int(found[1]) / 1000)
        return "250 2.0.0 OK: kept"

    def new_session(self) -> SMTP:
        """Make the protocol of one connection."""
        self.connections += 1
        return SMTP(
            self, hostname="localhost", data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True
        )

    @staticmethod
    def _kept_of(session: Session) -> int:
        return int(getattr(session, "kept", 0))

    def _keep(self, envelope: Envelope) -> None:
        # A Maildir holds the line ends of the system, not those of SMTP.
        content = (envelope.original_content or b"").replace(b"\r\n", b"\n")
        headers = (
            f"X-Envelope-From: {envelope.mail_from}\n"
            f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}\n"
        )
        self._box.add(headers.encode() + content)
        self.mails += 1


@asynccontextmanager
async def listening(sink: Sink, host: str, port: int) -> AsyncIterator[int]:
    """Listen for mails; give the port, which the system chooses when `port` is 0."""
    server = await asyncio.get_running_loop().create_server(sink.new_session, host, port)
    async with server:
        bound: int = server.sockets[0].getsockname()[1]
        yield bound
