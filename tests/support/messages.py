"""Finds the texts that the product marks for translation, without GNU gettext's tools."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("heron", "workers", "apps")
#: A call's name → which of its arguments are texts, and which is the context.
CALLS: dict[str, tuple[int, int | None]] = {
    "_": (1, None),
    "gettext": (1, None),
    "gettext_lazy": (1, None),
    "gettext_noop": (1, None),
    "ngettext": (2, None),
    "ngettext_lazy": (2, None),
    "pgettext": (1, 0),
    "pgettext_lazy": (1, 0),
    "npgettext": (2, 0),
}
_LITERAL = r"""u?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_TEMPLATE_CALL = re.compile(rf"\b(n?p?gettext|_)\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)")

#: A text with its context, as Django's catalogs have it, and where it was found.
Found = tuple[str, str]


def in_python() -> Iterator[Found]:
    """Yield every text marked in Python code."""
    for path in _files("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                yield from _texts(name, node.args, path)


def in_templates() -> Iterator[Found]:
    """Yield every text marked in templates."""
    for path in _files("*.html", "*.txt"):
        if "templates" not in path.parts:
            continue
        source = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        for call in _TEMPLATE_CALL.finditer(source):
            parsed = ast.parse(f"f({call[2]})", mode="eval").body
            assert isinstance(parsed, ast.Call)
            yield from _texts(call[1], parsed.args, path)


def _texts(name: str, arguments: list[ast.expr], path: Path) -> Iterator[Found]:
    if name not in CALLS:
        return
    count, context_at = CALLS[name]
    literals = [a.value for a in arguments if isinstance(a, ast.Constant)]
    words = [word for word in literals if isinstance(word, str)]
    context = f"{words[context_at]}\x04" if context_at is not None and words else ""
    start = 0 if context_at is None else 1
    for text in words[start : start + min(count, 1)]:
        yield f"{context}{text}", str(path.relative_to(ROOT))


def _files(*patterns: str) -> Iterator[Path]:
    for room in ROOMS:
        for pattern in patterns:
            yield from sorted((ROOT / room).rglob(pattern))
