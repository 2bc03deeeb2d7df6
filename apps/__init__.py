"""Heron's applications."""
