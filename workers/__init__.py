"""Everything that runs and is not a web page."""
