"""Which characters a file's bytes mean."""

from __future__ import annotations

#: EDIFACT 0001, the syntax identifier → Python's codec (ISO 9735-1, annex A). UNOX (ISO 2022) is
#: left out on purpose: its shifted bytes can't be told from separators.
CHARSETS = {
    "UNOA": "ascii",
    "UNOB": "ascii",
    "UNOC": "iso8859-1",
    "UNOD": "iso8859-2",
    "UNOE": "iso8859-5",
    "UNOF": "iso8859-7",
    "UNOG": "iso8859-3",
    "UNOH": "iso8859-4",
    "UNOI": "iso8859-6",
    "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9",
    "UNOL": "iso8859-15",
    "UNOW": "utf-8",
    "UNOY": "utf-8",
}
#: What every byte has a meaning in.
FALLBACK = "iso8859-1"


def decode(raw: bytes, charset: str) -> tuple[str, bool]:
    """Decode a segment; the second value tells whether it is in `charset`.

    What is not is mostly UTF-8 under a charset that does not allow it, else Latin-1.
    """
    try:
        return raw.decode(charset), True
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode(FALLBACK), False
