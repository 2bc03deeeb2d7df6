"""Every file of the corpus goes the whole way: received, decided, imported, acknowledged."""

from __future__ import annotations

import pytest

from apps.edi import decisions
from apps.edi.models import (
    EdiMessage,
    FileStatus,
    Interchange,
    InterchangeStatus,
    Reason,
)
from apps.edi.reader import End, Message, read
from tests.edi.factories import CORPUS, imported, make_file, make_user, released
from tests.edi.test_corpus import THEIRS

FILES = sorted(CORPUS.iterdir()) + sorted(THEIRS.rglob("*.edi"))


@pytest.mark.django_db
def test_no_file_ends_in_an_unforeseen_error_or_in_the_middle() -> None:
    user = make_user()
    for path in FILES:
        file = make_file(path.read_bytes(), user, path.name)
        tracker = imported(file)
        for waiting in file.interchanges.filter(reason=Reason.UNKNOWN_PARTNER):
            job = decisions.adopt(waiting, "", user)
            if job is not None:
                tracker = released(job.job_id, waiting.pk)
        file.refresh_from_db()

        codes = {reason.code for reason in tracker.reasons.values()}
        assert not {code for code in codes if code.endswith("Error")}, path.name
        assert file.status not in (FileStatus.RECEIVED, FileStatus.SCANNED), path.name
        states = set(file.interchanges.values_list("status", flat=True))
        assert InterchangeStatus.ACCEPTED not in states, path.name

    assert Interchange.objects.exclude(acknowledgement="").count() > 15
    for answer in Interchange.objects.exclude(acknowledgement=""):
        events = list(read([answer.acknowledgement.encode("iso8859-1")]))
        faults = [
            fault
            for event in events
            for fault in (
                event.faults
                if isinstance(event, Message)
                else event.interchange.faults
                if isinstance(event, End)
                else []
            )
        ]
        assert faults == [], (answer.file.name, faults)
    assert EdiMessage.objects.filter(status="imported").exists()
