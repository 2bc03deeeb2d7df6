"""A segment: a tag and its elements, which are split when somebody asks for them."""

from __future__ import annotations

import re
from functools import lru_cache

from apps.edi.reader.separators import Separators


class Segment:
    """One segment as it stands in the file."""

    __slots__ = ("_elements", "end", "number", "offset", "separators", "tag", "text", "unclean")

    def __init__(  # noqa: PLR0917 (made once a segment: keywords would cost)
        self,
        tag: str,
        text: str,
        number: int,
        offset: int,
        end: int,
        separators: Separators,
        unclean: bool = False,
    ) -> None:
        self.tag = tag
        #: Without terminator and line ends; release characters still in it.
        self.text = text
        #: Counted in the file, from 1.
        self.number = number
        #: Bytes in the file: the first of the tag, and the one behind the terminator.
        self.offset = offset
        self.end = end
        self.separators = separators
        #: Whether it holds characters that its charset does not have.
        self.unclean = unclean
        self._elements: list[list[str]] | None = None

    @property
    def elements(self) -> list[list[str]]:
        """The elements with their components; the first is the tag."""
        if self._elements is None:
            self._elements = self._split()
        return self._elements

    def get(self, element: int, component: int = 0) -> str:
        """Give a component, or "" where there is none."""
        elements = self._elements
        if elements is None:
            elements = self._elements = self._split()
        if element < len(elements):
            components = elements[element]
            if component < len(components):
                return components[component]
        return ""

    def _split(self) -> list[list[str]]:
        separators, text = self.separators, self.text
        data, component = separators.data, separators.component
        if separators.release and separators.release in text:
            return _split_released(text, separators)
        if component not in text or self.tag == "ISA":
            return [[each] for each in text.split(data)]
        return [each.split(component) for each in text.split(data)]

    def __repr__(self) -> str:
        """Return the segment as written, with its place."""
        return f"<{self.text[:60]} #{self.number} @{self.offset}>"


def _split_released(text: str, separators: Separators) -> list[list[str]]:
    """Split a text in which release characters take away the meaning of what follows them."""
    elements: list[list[str]] = []
    components: list[str] = []
    parts: list[str] = []
    for token in _tokens(separators).finditer(text):
        mark = token[2]
        if mark is None:
            parts.append(token[3] if token[3] is not None else token[1])
            continue
        components.append("".join(parts))
        parts = []
        if mark == separators.data:
            elements.append(components)
            components = []
    components.append("".join(parts))
    elements.append(components)
    return elements


@lru_cache(maxsize=16)
def _tokens(separators: Separators) -> re.Pattern[str]:
    release = re.escape(separators.release)
    marks = re.escape(separators.data + separators.component)
    return re.compile(f"{release}(.?)|([{marks}])|([^{release}{marks}]+)", re.DOTALL)
