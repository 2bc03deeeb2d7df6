"""The thread between two rooms that do not know each other: invoices are posted to the ledger."""
