"""Heron's own project, with django-eventstream's own view where Heron's stream is."""
