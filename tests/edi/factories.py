"""Rows and files to test with."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from apps.core.testing import RecordingTracker
from apps.edi.actors import import_file, import_released
from apps.edi.intake import receive
from apps.edi.models import EdiFile, EdiMessage, Partner

CORPUS = Path(__file__).parent / "corpus"
BUYER, US = "3012345678901", "3098765432109"


def make_user(username: str = "alice", *, is_staff: bool = False) -> User:
    return User.objects.create_user(username, password=username, is_staff=is_staff)


def make_partner(edi_id: str = BUYER, qualifier: str = "14", **facts: Any) -> Partner:
    return Partner.objects.create(
        **{"name": "Centrale Nord", "edi_id": edi_id, "qualifier": qualifier, **facts}
    )


def make_x12_partner(**facts: Any) -> Partner:
    return make_partner("BUYER", "ZZ", **{"name": "Big Box Inc.", **facts})


def order(
    reference: str = "1",
    number: str = "PO1",
    *,
    function: str = "9",
    quantity: str = "5",
    extra: str = "",
    count: int | None = None,
    kind: str = "ORDERS",
) -> str:
    """Write one ORDERS."""
    segments = [
        f"UNH+{reference}+{kind}:D:96A:UN:EAN008",
        f"BGM+220+{number}+{function}",
        "DTM+137:20260105:102",
        "DTM+2:20260112:102",
        f"NAD+BY+{BUYER}::9++CENTRALE NORD",
        f"NAD+SU+{US}::9",
        "CUX+2:EUR:9",
        "LIN+1++3760012345670:EN",
        "PIA+1+REF-7:SA",
        "IMD+F++:::CAFE MOULU 250G",
        f"QTY+21:{quantity}:PCE",
        "PRI+AAA:3.45",
        *([extra] if extra else []),
        "UNS+S",
        "CNT+2:1",
    ]
    announced = count if count is not None else len(segments) + 1
    return "'".join([*segments, f"UNT+{announced}+{reference}"]) + "'"


def interchange(
    *messages: str, reference: str = "REF1", sender: str = f"{BUYER}:14", found: int | None = None
) -> bytes:
    """Write an EDIFACT interchange."""
    announced = len(messages) if found is None else found
    head = f"UNB+UNOC:3+{sender}+{US}:14+260105:1200+{reference}'"
    return (head + "".join(messages) + f"UNZ+{announced}+{reference}'").encode("iso8859-1")


def make_file(data: bytes | str, user: User | None = None, name: str = "orders.edi") -> EdiFile:
    """Receive a file; a str names one of the corpus."""
    if isinstance(data, str):
        name, data = data, (CORPUS / data).read_bytes()
    return receive(BytesIO(data), name, user)


class Tracker(RecordingTracker):
    """A recording tracker with the id of a real job."""

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self._job_id = job_id

    @property
    def job_id(self) -> str:
        return self._job_id


def imported(file: EdiFile) -> RecordingTracker:
    """Import a file without a worker."""
    assert file.job_id
    tracker = Tracker(file.job_id)
    import_file.fn(tracker, file_id=file.pk)
    file.refresh_from_db()
    return tracker


def released(job_id: str, interchange_id: int) -> RecordingTracker:
    """Do what a decision has started."""
    tracker = Tracker(job_id)
    import_released.fn(tracker, interchange_id=interchange_id)
    return tracker


def statuses(file: EdiFile) -> list[str]:
    """Give the states of a file's messages, in their order."""
    messages = EdiMessage.objects.filter(interchange__file=file).order_by("interchange", "position")
    return list(messages.values_list("status", flat=True))
