"""Reading a Maildir: what the development mail server has accepted."""

from __future__ import annotations

import email
import mailbox
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import parsedate_to_datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path

#: Stdlib's file names: seconds, microseconds, process, running number.
_STAMP = re.compile(r"^(\d+)\.M(\d+)P\d+Q(\d+)\.")


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that came with a mail."""

    index: int
    name: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return len(self.content)

    def open(self) -> BytesIO:
        """Open it for reading."""
        return BytesIO(self.content)


class Mail:
    """One mail as a mail program would show it."""

    def __init__(self, key: str, message: EmailMessage) -> None:
        self.key = key
        self.message = message

    @property
    def subject(self) -> str:
        """The subject line."""
        return str(self.message.get("Subject", ""))

    @property
    def sender(self) -> str:
        """Who it says it is from."""
        return str(self.message.get("From", ""))

    @property
    def recipient(self) -> str:
        """Who the mail server was told to give it to."""
        return str(self.message.get("X-Envelope-To", self.message.get("To", "")))

    @property
    def reply_to(self) -> str:
        """Where an answer would go."""
        return str(self.message.get("Reply-To", ""))

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return str(self.message.get("Message-ID", "")).strip()

    @property
    def date(self) -> datetime | None:
        """When it says it was written; None when that can't be read."""
        try:
            written = parsedate_to_datetime(str(self.message.get("Date", "")))
        except ValueError:
            return None
        # "-0000" is UTC without a word about the sender's own time zone.
        return written if written.tzinfo else written.replace(tzinfo=UTC)

    @property
    def text(self) -> str:
        """The plain text."""
        body = self.message.get_body(preferencelist=("plain",))
        return str(body.get_content()) if isinstance(body, EmailMessage) else ""

    @cached_property
    def attachments(self) -> list[Attachment]:
        """The files that came with it."""
        return [
            Attachment(
                index=index,
                name=part.get_filename() or f"attachment-{index}",
                content_type=part.get_content_type(),
                content=bytes(part.get_payload(decode=True) or b""),
            )
            for index, part in enumerate(self.message.iter_attachments())
        ]


class MailDirectory:
    """A Maildir that somebody else writes to; a missing one is an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Name the mails, newest first."""
        box = self._open()
        return sorted(box.keys(), key=_stamp, reverse=True) if box is not None else []

    def get(self, key: str) -> Mail | None:
        """Read a mail; None when there is none of that name.

        The name is looked up among those that exist and never used as a path.
        """
        box = self._open()
        try:
            content = box.get_bytes(key) if box is not None else None
        except (KeyError, FileNotFoundError):
            return None
        if content is None:
            return None
        message = email.message_from_bytes(content, policy=modern)
        return Mail(key, message)

    def _open(self) -> mailbox.Maildir | None:
        if not (self._path / "new").is_dir():
            return None
        return mailbox.Maildir(str(self._path), create=False)


def _stamp(key: str) -> tuple[int, ...]:
    found = _STAMP.match(key)
    return tuple(int(part) for part in found.groups()) if found else (0,)
