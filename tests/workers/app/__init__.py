"""Jobs whose every step is written down outside of the database."""
