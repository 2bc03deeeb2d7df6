"""Import EDI files."""
