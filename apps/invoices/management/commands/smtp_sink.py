"""`manage.py smtp_sink`: a mail server for demos and development that delivers nothing."""

from __future__ import annotations

import asyncio
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

if TYPE_CHECKING:
    from apps.invoices.sink import Sink


class Command(BaseCommand):
    """Keep every mail in a Maildir; an address like 5xx-550@… or drop-data@… makes it fail."""

    help = "Run a local SMTP server that keeps every mail in a Maildir and delivers none."
    # It needs neither the database nor correct models.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=0, help="0, the default: any free one.")
        parser.add_argument(
            "--maildir",
            type=Path,
            default=None,
            help="Where mails are kept; HERON_MAILBOX_DIR when not given.",
        )

        parser.add_argument(
            "--cut-every",
            type=int,
            default=0,
            metavar="N",
            help="Answer 421 and hang up after N mails on a connection; 0, the default: never.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        if find_spec("aiosmtpd") is None:
            raise CommandError('aiosmtpd is missing. Install it with: pip install "heron[demo]"')
        from apps.invoices.sink import Sink

        maildir = options["maildir"] or settings.HERON_MAILBOX_DIR
        if not maildir:
            raise CommandError("Say where to keep the mails: --maildir DIR")
        sink = Sink(Path(maildir), cut_every=options["cut_every"])
        asyncio.run(self._serve(sink, Path(maildir), options["host"], options["port"]))

    async def _serve(self, sink: Sink, maildir: Path, host: str, port: int) -> None:
        from apps.invoices.sink import listening

        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        try:
            async with listening(sink, host, port) as bound:
                self.stdout.write(f"smtp://{host}:{bound} keeps mails in {maildir}")
                self.stdout.flush()
                await stop.wait()
        except OSError as error:
            raise CommandError(f"Can't listen on {host}:{port}: {error.strerror}") from error
        self.stdout.write(f"{sink.mails} mails kept")
