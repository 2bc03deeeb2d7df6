"""Strategies that write interchanges, with what they must be read as."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from apps.edi.reader.separators import EDIFACT_DEFAULT, Separators

#: A segment: its tag, and its elements with their components.
Elements = list[list[str]]

TEXT = st.text(
    st.characters(codec="iso8859-1", exclude_categories=["Cc"], exclude_characters="\x85"),
    max_size=12,
)
#: No line ends: those mean nothing in a file.
_MARKS = "!#$%&()*,;<=>@[]^_`{|}~:+?'/"


@st.composite
def separators(draw: st.DrawFn) -> Separators:
    """Choose service characters for a UNA."""
    component, data, release, terminator = draw(
        st.lists(st.sampled_from(_MARKS), min_size=4, max_size=4, unique=True)
    )
    return Separators("edifact", component, data, release, terminator)


@dataclass(frozen=True)
class Written:
    """An interchange as bytes, and the segments in it."""

    data: bytes
    segments: list[Elements]


def _trimmed(elements: list[list[str]]) -> Elements:
    return [components or [""] for components in elements]


BODIES = st.lists(
    st.lists(st.lists(TEXT, min_size=1, max_size=4), max_size=4).map(_trimmed), max_size=6
)


@st.composite
def interchanges(draw: st.DrawFn) -> Written:
    """Write an EDIFACT interchange with any texts, under any service characters."""
    marks = draw(st.one_of(st.just(EDIFACT_DEFAULT), separators()))
    bodies = draw(st.lists(BODIES, min_size=1, max_size=4))
    line_end = draw(st.sampled_from(["", "\n", "\r\n"]))
    segments: list[Elements] = [
        [["UNB"], ["UNOC", "3"], ["SENDER"], ["RECIPIENT"], ["260105", "1200"], ["REF"]]
    ]
    for number, body in enumerate(bodies, start=1):
        segments.append([["UNH"], [str(number)], ["ORDERS", "D", "96A", "UN"]])
        segments += [[["FTX"], *elements] for elements in body]
        segments.append([["UNT"], [str(len(body) + 2)], [str(number)]])
    segments.append([["UNZ"], [str(len(bodies))], ["REF"]])
    una = f"UNA{marks.component}{marks.data}.{marks.release} {marks.terminator}"
    text = line_end.join([una, *(_write(each, marks) for each in segments)])
    return Written(text.encode("iso8859-1"), segments)


def _write(elements: Elements, marks: Separators) -> str:
    def released(text: str) -> str:
        special = (marks.component, marks.data, marks.release, marks.terminator)
        return "".join(marks.release + each if each in special else each for each in text)

    return (
        marks.data.join(marks.component.join(map(released, components)) for components in elements)
        + marks.terminator
    )


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at places, taken modulo the length."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
