"""Scan a file: read it to its end, list its messages, and decide about each interchange.

Nothing is imported here. The scan may be repeated: what a killed one has left is taken away first.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.texts import storable
from apps.edi import policy, verdicts, xml_invoices
from apps.edi.models import (
    EdiFault,
    EdiFile,
    EdiMessage,
    FileStatus,
    Interchange,
    InterchangeStatus,
    Partner,
)
from apps.edi.models.file import TAKEN as FILE_TAKEN
from apps.edi.reader import Begin, Fault, Message, Unreadable, chunks_of, read, sniff
from apps.edi.reader import Interchange as Envelope
from apps.edi.reader.charsets import CHARSETS, FALLBACK
from apps.edi.reader.sniff import HEAD_BYTES
from apps.edi.recording import fault_row, kept, write_faults

#: Messages written at once.
BATCH = 500

#: Called now and then with the bytes read so far; it may raise to stop.
Report = Callable[[int], None]


def scan(file: EdiFile, job_id: str, report: Report = lambda _bytes: None) -> None:
    """Scan a file for a job, unless that is done already."""
    if file.status != FileStatus.RECEIVED:
        return
    file.interchanges.all().delete()
    file.faults.all().delete()
    twin = EdiFile.objects.filter(sha256=file.sha256, status__in=FILE_TAKEN).first()
    if twin is not None:
        _end(file, FileStatus.DUPLICATE, duplicate_of=twin)
        return
    with file.open() as content:
        file.standard = sniff(content.read(HEAD_BYTES))
        content.seek(0)
        if file.standard in ("xml", "pdf"):
            xml_invoices.scan(file, content, job_id)
        else:
            Scan(file, job_id, report).run(content)
    _finish(file)


def _finish(file: EdiFile) -> None:
    """Mark the scan as done, unless the same bytes have been taken meanwhile."""
    try:
        with transaction.atomic():
            _end(file, FileStatus.SCANNED)
    except IntegrityError:
        twin = EdiFile.objects.filter(sha256=file.sha256, status__in=FILE_TAKEN).first()
        with transaction.atomic():
            file.interchanges.all().delete()
            _end(file, FileStatus.DUPLICATE, duplicate_of=twin)


def _end(file: EdiFile, status: FileStatus, **facts: object) -> None:
    EdiFile.objects.filter(pk=file.pk).update(status=status, standard=file.standard, **facts)
    file.refresh_from_db()


class Scan:
    """One reading of an EDIFACT or X12 file."""

    def __init__(self, file: EdiFile, job_id: str, report: Report) -> None:
        self._file = file
        self._job_id = job_id
        self._report = report
        self._row: Interchange | None = None
        self._partner: Partner | None = None
        self._messages: list[tuple[EdiMessage, list[Fault]]] = []

    def run(self, content: BinaryIO) -> None:
        """Read the file and write down what is in it."""
        charset = self._charset_of_partner(content)
        content.seek(0)
        try:
            for number, event in enumerate(read(chunks_of(content), charset)):
                if isinstance(event, Message):
                    self._take(event)
                elif isinstance(event, Begin):
                    self._begin(event.interchange, charset)
                else:
                    self._finish(event.interchange)
                if not number % BATCH:
                    self._report(content.tell())
        except Unreadable as lost:
            if self._row is None and not self._file.interchanges.exists():
                write_faults([lost.fault], self._file)

    def _charset_of_partner(self, content: BinaryIO) -> str | None:
        """Look at the first header: its sender may be known for a wrong character set."""
        try:
            for event in islice(read(chunks_of(content)), 1):
                if isinstance(event, Begin):
                    partner = verdicts.partner_of(event.interchange)
                    return (partner.charset or None) if partner else None
        except Unreadable:
            pass
        return None

    def _begin(self, envelope: Envelope, charset: str | None) -> None:
        self._partner = verdicts.partner_of(envelope)
        marks = envelope.header.separators if envelope.header else None
        level = envelope.syntax.split(":")[0]
        known = CHARSETS.get(level, FALLBACK) if envelope.standard == "edifact" else "utf-8"
        prepared = envelope.prepared_at
        self._row = Interchange.objects.create(
            file=self._file,
            position=envelope.position,
            standard=envelope.standard,
            partner=self._partner,
            sender=kept(envelope.sender),
            sender_qualifier=kept(envelope.sender_qualifier, 20),
            recipient=kept(envelope.recipient),
            recipient_qualifier=kept(envelope.recipient_qualifier, 20),
            reference=kept(envelope.reference),
            prepared_at=timezone.make_aware(prepared) if prepared else None,
            is_test=envelope.is_test,
            wants_acknowledgement=envelope.wants_acknowledgement,
            syntax=kept(envelope.syntax, 20),
            marks=[marks.component, marks.data, marks.release, marks.terminator] if marks else [],
            charset=charset or known,
            # Until its end is read nobody knows.
            status=InterchangeStatus.QUARANTINED,
        )

    def _take(self, message: Message) -> None:
        if self._row is None:
            return
        row = EdiMessage(
            interchange=self._row,
            position=message.position,
            reference=kept(message.reference),
            type=kept(message.type, 20),
            version=kept(message.version, 40),
            group=message.group.position - 1 if message.group is not None else None,
            offset=message.offset,
            end=message.end,
            first_segment=message.header.number,
            segments=message.place_of(message.segments[-1].number),
            announced=kept(message.announced or ""),
            envelope_faults=message.fault_count,
            taken_by=self._job_id,
        )
        self._messages.append((row, message.faults))
        if len(self._messages) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        """Write the messages; their faults need the keys that the database gives them."""
        if not self._messages or self._row is None:
            return
        with transaction.atomic():
            EdiMessage.objects.bulk_create(row for row, _faults in self._messages)
            tolerant = self._partner is not None and self._partner.is_tolerant
            EdiFault.objects.bulk_create(
                fault_row(fault, self._file, self._row, row, tolerant=tolerant)
                for row, faults in self._messages
                for fault in faults
            )
        self._messages.clear()

    def _finish(self, envelope: Envelope) -> None:
        self._flush()
        row, partner = self._row, self._partner
        if row is None:
            return
        row.announced = kept(envelope.announced or "")
        row.found = envelope.found
        row.groups = storable(
            [
                {
                    "kind": group.kind[:20],
                    "reference": group.reference[:80],
                    "version": group.version[:40],
                    "announced": (group.announced or "")[:20],
                    "found": group.messages,
                }
                for group in envelope.groups
            ]
        )
        tolerant = partner is not None and partner.is_tolerant
        write_faults(envelope.faults, self._file, row, tolerant=tolerant)
        refused = bool(policy.refusals(envelope.faults, tolerant=tolerant))
        verdicts.decide(row, refused=refused, job_id=self._job_id)
        self._row = None
