"""The bookkeeping of invoices as a Django application: it has no models, only connections."""

from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Lets validated invoices be posted."""

    name = "heron.ledger"
    label = "heron_ledger"

    def ready(self) -> None:
        """Listen to what is validated."""
        from heron.ledger import bookkeeping

        bookkeeping.connect()
