"""Template tags of the progress framework."""
