"""An application whose every effect can be counted, and whose workers die when told to."""
