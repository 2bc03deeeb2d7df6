"""Real processes, killed at any moment; afterwards the books have to be right."""
