"""Live events: from a row that changed to every browser that watches it."""
