"""Build reports."""
