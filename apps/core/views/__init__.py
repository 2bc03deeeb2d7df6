"""Core's views, one endpoint's noun a module."""
