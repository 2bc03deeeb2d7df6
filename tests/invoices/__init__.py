"""Tests of the invoices."""
