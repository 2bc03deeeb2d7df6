"""Separators: the characters that split a file, as its own first bytes declare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apps.edi.reader.errors import Unreadable
from apps.edi.reader.faults import Fault, Kind, Level, shown

Standard = Literal["edifact", "x12"]

BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
NEWLINES = b"\r\n"
#: The length of UNA, and of ISA with its terminator.
UNA_BYTES = 9
ISA_BYTES = 106
ISA_SEPARATORS = 16


@dataclass(frozen=True, slots=True)
class Separators:
    """The service characters; `release` is empty where there is none."""

    standard: Standard
    component: str
    data: str
    release: str
    terminator: str

    def noise(self) -> str:
        """Give the characters that mean nothing in this file: line ends, unless they separate."""
        used = (self.component, self.data, self.release, self.terminator)
        return "".join(each for each in "\r\n" if each not in used)


EDIFACT_DEFAULT = Separators("edifact", ":", "+", "?", "'")
#: What level B (UNOB) may use instead, without saying so: the information separators of ISO 646.
EDIFACT_CONTROLS = Separators("edifact", "\x1f", "\x1d", "", "\x1c")


def from_una(una: str, offset: int) -> Separators:
    """Read the service string advice: UNA and six characters.

    Raises:
        Unreadable: two of them are the same, or one can't separate.
    """
    # Then come the decimal mark, which numbers say for themselves, and a reserved character.
    component, data, release, terminator = una[3], una[4], una[6].strip(" "), una[8]
    used = [each for each in (component, data, release, terminator) if each]
    if len(set(used)) != len(used) or any(each.isalnum() for each in used):
        raise Unreadable(
            Fault(
                kind=Kind.UNA_TWICE,
                level=Level.INTERCHANGE,
                code="22",
                segment=0,
                offset=offset,
                tag="UNA",
                params={"found": una[3:UNA_BYTES]},
            )
        )
    return Separators("edifact", component, data, release, terminator)


def from_isa(isa: str, offset: int) -> Separators:
    """Read them from their places in an ISA, without line ends.

    Raises:
        Unreadable: it has not 106 characters with 16 separators.
    """
    data = isa[3:4]
    used = {data, isa[104:105], isa[105:ISA_BYTES]}
    if (
        len(isa) < ISA_BYTES
        or isa[:ISA_BYTES].count(data) != ISA_SEPARATORS
        or isa[103] != data
        or len(used) != 3
        or data.isalnum()
        or isa[105].isalnum()
    ):
        raise Unreadable(
            Fault(
                kind=Kind.ISA_LAYOUT,
                level=Level.INTERCHANGE,
                code="TA1*024",
                segment=0,
                offset=offset,
                tag="ISA",
                params={"found": shown(isa)},
            )
        )
    return Separators("x12", isa[104], data, "", isa[105])


def is_same_una(body: str, separators: Separators) -> bool:
    """Tell whether a UNA (without its last character) declares what is in force."""
    return (
        len(body) == UNA_BYTES - 1
        and body[3] == separators.component
        and body[4] == separators.data
        and body[6].strip(" ") == separators.release
    )


def is_same_isa(body: str, separators: Separators) -> bool:
    """Tell whether an ISA (without its terminator) is right and declares what is in force."""
    return (
        len(body) == ISA_BYTES - 1
        and body[3] == separators.data
        and body[104] == separators.component
    )
