"""Heron's applications, beside those of the project that installs them.

A project may have an `apps` folder of its own, without `__init__.py`: both are then one package.
The project's come first, so that its `apps.invoices` is its own and not Heron's.
"""

from __future__ import annotations

from pkgutil import extend_path

_others = [path for path in extend_path(__path__, __name__) if path not in __path__]
__path__ = [*_others, *__path__]
