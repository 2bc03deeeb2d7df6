"""Import EDI files: partners, interchanges, messages, and the documents made of them."""
