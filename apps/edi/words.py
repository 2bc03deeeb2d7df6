"""Faults in plain words: a msgid and its parameters, translated when somebody reads them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from apps.core.texts import render, storable
from apps.edi.reader import Fault, Kind, Level

#: What is missing or wrong, in words.
THINGS = {
    "sender": gettext_noop("the sender"),
    "recipient": gettext_noop("the recipient"),
    "reference": gettext_noop("the control reference"),
    "date": gettext_noop("the date"),
    "type": gettext_noop("the message type"),
    "number": gettext_noop("the document's number"),
    "quantity": gettext_noop("a quantity"),
}

SENTENCES: dict[tuple[Kind, Level | None], str] = {
    (Kind.EMPTY, None): gettext_noop("The file is empty. Ask the partner to send it again."),
    (Kind.NOT_EDI, None): gettext_noop(
        "This is no EDI file: it begins with “%(found)s”, and neither with UNA or UNB nor with ISA."
    ),
    (Kind.UNA_CUT, None): gettext_noop("The file ends inside its first segment, UNA."),
    (Kind.UNA_TWICE, None): gettext_noop(
        "UNA declares one character for two purposes (“%(found)s”): nothing can be told apart."
    ),
    (Kind.ISA_LAYOUT, None): gettext_noop(
        "The ISA segment must have 106 characters with 16 separators. It begins with “%(found)s”."
    ),
    (Kind.SEGMENT_TOO_LONG, None): gettext_noop(
        "From byte %(offset)s on no segment ends within a megabyte: the file is damaged, or its "
        "separators are not those that it declares."
    ),
    (Kind.CUT_IN_SEGMENT, None): gettext_noop(
        "The file stops inside segment %(segment)s (“%(found)s”). Ask the partner to send it again."
    ),
    (Kind.SYNTAX_UNKNOWN, None): gettext_noop(
        "The syntax “%(found)s” is not known; its text was read as Latin-1."
    ),
    (Kind.HEADER_MISSING, None): gettext_noop("%(tag)s does not say %(what)s."),
    (Kind.BAD_DATE, None): gettext_noop("%(tag)s has an impossible date: “%(found)s”."),
    (Kind.TRAILER_MISSING, Level.MESSAGE): gettext_noop(
        "The message has no %(trailer)s: it stops at segment %(segment)s."
    ),
    (Kind.TRAILER_MISSING, None): gettext_noop(
        "%(trailer)s is missing: the file may be cut. Ask the partner to send it again."
    ),
    (Kind.TRAILER_ALONE, None): gettext_noop("%(trailer)s closes something that was never opened."),
    (Kind.COUNT, Level.MESSAGE): gettext_noop(
        "%(tag)s announces %(announced)s segments, the message has %(found)s."
    ),
    (Kind.COUNT, None): gettext_noop("%(tag)s announces %(announced)s, the file has %(found)s."),
    (Kind.REFERENCE, None): gettext_noop(
        "%(tag)s has the reference “%(found)s”, the header “%(announced)s”."
    ),
    (Kind.REFERENCE_TWICE, None): gettext_noop(
        "The message reference “%(found)s” is used twice in this interchange."
    ),
    (Kind.MIXED, None): gettext_noop("Some messages are in groups, others are not."),
    (Kind.NO_MESSAGE, None): gettext_noop("The interchange holds no message."),
    (Kind.OUTSIDE, None): gettext_noop("The segment “%(found)s” stands outside any message."),
    (Kind.NO_INTERCHANGE, None): gettext_noop(
        "The message stands outside any interchange: nobody knows who sent it."
    ),
    (Kind.NO_GROUP, None): gettext_noop("The message stands outside any functional group."),
    (Kind.BAD_TAG, None): gettext_noop("“%(found)s” can't be a segment's name."),
    (Kind.CHARACTERS, None): gettext_noop(
        "%(tag)s holds characters that the file's character set does not have; check the text."
    ),
    (Kind.MESSAGE_TOO_LONG, None): gettext_noop(
        "The message has more than %(most)s segments. Ask the partner to split it."
    ),
    (Kind.VALUE_MISSING, None): gettext_noop("%(tag)s: %(what)s is missing."),
    (Kind.BAD_NUMBER, None): gettext_noop("%(tag)s: “%(found)s” is no number."),
    (Kind.TOO_PRECISE, None): gettext_noop(
        "%(tag)s: “%(found)s” is longer than can be kept without changing it."
    ),
    (Kind.BAD_DAY, None): gettext_noop("%(tag)s: “%(found)s” is no date."),
    (Kind.NO_LINES, None): gettext_noop("The message has no lines."),
    (Kind.LINE_COUNT, None): gettext_noop(
        "%(tag)s announces %(announced)s lines, the message has %(found)s."
    ),
    (Kind.TOTALS, None): gettext_noop("The lines add up to %(found)s, %(tag)s says %(announced)s."),
    (Kind.NO_INVOICE, None): gettext_noop(
        "The file holds no Factur-X, CII or UBL invoice that can be read: %(found)s"
    ),
    (Kind.UNSAFE, None): gettext_noop(
        "The XML declares entities or a document type, which no invoice needs: it is not read."
    ),
    (Kind.CHECK_DIGIT, None): gettext_noop(
        "The article number “%(found)s” has a wrong check digit."
    ),
}


def of(fault: Fault) -> tuple[str, dict[str, Any]]:
    """Give a fault's msgid, and parameters that a row can keep.

    What is missing is named in the active language: a job's is its owner's.
    """
    places = {"tag": fault.tag, "segment": fault.segment, "offset": fault.offset}
    return msgid(fault.kind, fault.level), storable(_named({**fault.params, **places}))


def msgid(kind: str, level: str) -> str:
    """Find the sentence for a kind of fault."""
    known = {str(each): each for each in Kind}
    key = known[kind]
    levels = {str(each): each for each in Level}
    return SENTENCES.get((key, levels.get(level))) or SENTENCES[key, None]


def sentence(kind: str, level: str, params: dict[str, Any]) -> str:
    """Say it in the active language."""
    return render(msgid(kind, level), _named(params))


def _named(params: dict[str, Any]) -> dict[str, Any]:
    if "what" not in params:
        return params
    return {**params, "what": render(THINGS.get(params["what"], params["what"]))}
