"""Signals of the invoices, so that other rooms can follow without being known here."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent in the transaction in which drafts became invoices. Argument: `invoices`, a list of Invoice
#: in the order of their numbers; one by one or thousands at once. A receiver that raises undoes the
#: validation. What a receiver may rely on, and read without a query: `uuid`, `number`,
#: `issue_date`, `due_date`, `currency`, `is_credit_note`, `buyer_name`, `buyer_code`, `total_net`,
#: `total_vat`, `total_gross`, and `per_rate` (each with `rate` in percent, `net` and `vat`).
#: Amounts are positive on credit notes too.
invoices_validated = Signal()

#: Sent in the transaction in which payments are noted; after `invoices_validated` for what had been
#: paid before. Argument: `invoices`, a list of Invoice with `paid_amount` (all that was ever paid
#: of it) and `paid_on` (the last day).
invoices_paid = Signal()
