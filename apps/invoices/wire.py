"""A mail as SMTP wants it: envelope, bytes, and what a server answers."""

from __future__ import annotations

import re
import smtplib
from email.generator import BytesGenerator
from io import BytesIO

from django.core.mail import EmailMessage


def envelope(message: EmailMessage) -> tuple[str, str]:
    """Give the sender's and the one recipient's bare addresses."""
    (recipient,) = message.recipients()
    return ascii_address(_bare(message.from_email)), ascii_address(recipient)


def serialize(message: EmailMessage) -> bytes:
    """Write a mail with CRLF line ends, and dots doubled at the start of a line."""
    # Not as_bytes(): only the messages of Django 5.2 take linesep there, those of Django 6 do not.
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False).flatten(message.message(), linesep="\r\n")
    raw = written.getvalue()
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    raw = raw.replace(b"\r\n.", b"\r\n..")
    return b"." + raw if raw.startswith(b".") else raw


def mail_options(smtp: smtplib.SMTP, payload: bytes) -> list[str]:
    """Give the parameters of MAIL that the server knows."""
    return [f"SIZE={len(payload)}"] if smtp.has_extn("size") else []


def one_line(words: bytes | str) -> str:
    """Read a server's words, whatever their encoding, on one line."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())


def _bare(address: str) -> str:
    """Take the address out of `Name <address>`."""
    found = re.search(r"<([^<>]*)>\s*$", address)
    return found.group(1) if found else address


def ascii_address(address: str) -> str:
    """Write an international domain as DNS knows it."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.encode('idna').decode()}" if not domain.isascii() else address
