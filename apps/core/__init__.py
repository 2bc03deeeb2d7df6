"""The progress framework."""
