"""Core's management commands."""
