"""The guide's way to report progress."""
