"""Keep the sales ledger, and build reports from it."""
