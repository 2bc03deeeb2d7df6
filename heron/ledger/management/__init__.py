"""Management commands of the bookkeeping."""
