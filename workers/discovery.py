"""Find every actor of the installed applications."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

#: Modules that declare actors, in Dramatiq's words and in Celery's, which the guide uses.
MODULES = ("actors", "tasks")


def import_actors() -> list[str]:
    """Import the applications' actor modules and name them."""
    found = [
        name
        for config in apps.get_app_configs()
        for name in (f"{config.name}.{module}" for module in MODULES)
        if find_spec(name) is not None
    ]
    for name in found:
        import_module(name)
    return found
