"""Template tags of the invoices application."""
