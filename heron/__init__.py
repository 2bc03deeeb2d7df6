"""The Heron project: settings, urls and the ASGI entry point."""
