"""Management commands of the invoices application."""
