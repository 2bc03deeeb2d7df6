"""The jobs of the EDI desk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.utils.translation import gettext_noop, ngettext_lazy

from apps.core.actors import progress_actor
from apps.core.errors import ItemFailed, ItemSkipped
from apps.core.tracker import ProgressTracker
from apps.edi import importing, settling, words
from apps.edi.acknowledgements import acknowledge
from apps.edi.errors import MessageRefused
from apps.edi.models import (
    EdiFault,
    EdiFile,
    EdiMessage,
    FileStatus,
    Interchange,
    InterchangeStatus,
    MessageStatus,
    Reason,
)
from apps.edi.scanning import scan
from apps.edi.verdicts import reconsider

#: The job's unit, marked for the translators; the job keeps the msgids.
UNIT = ngettext_lazy("message", "messages")
RECEIVING = gettext_noop("Receiving")
CHECKING = gettext_noop("Checking")
IMPORTING = gettext_noop("Importing")
ACKNOWLEDGING = gettext_noop("Acknowledging")
READ = gettext_noop("%(read)s of %(size)s MB read")
SUMMARY = gettext_noop("%(imported)s of %(total)s messages imported")
UNDECIDED = gettext_noop(
    "%(imported)s of %(total)s messages imported, %(waiting)s wait for your decision"
)
LINK = gettext_noop("See each message")
DUPLICATE = gettext_noop("These bytes are imported already: duplicate of file #%(file)s.")
UNKNOWN_PARTNER = gettext_noop("The sender %(sender)s is not one of our partners.")
INACTIVE_PARTNER = gettext_noop("The partner %(sender)s is not active.")
KNOWN_REFERENCE = gettext_noop(
    "The reference %(reference)s of %(sender)s is here already. Decide what to do with it."
)
REFUSED = gettext_noop("The interchange is refused.")
MEGABYTE = 1_000_000
STAGES = 4


@progress_actor(
    task_type="edi_import",
    queue_name="edi",
    title=gettext_noop("EDI import"),
    unit=("message", "messages"),
    # A file of bad messages is for its partner to mend: there is nothing to pause for.
    budget=None,
)
def import_file(progress: ProgressTracker, file_id: int) -> None:
    """Check a file to its end, then import every message that can be."""
    file = EdiFile.objects.get(pk=file_id)
    with progress.stage(RECEIVING, share=0.02, of=STAGES):
        progress.checkpoint()
    with progress.stage(CHECKING, share=0.18, of=STAGES):

        def report(done: int) -> None:
            progress.message(
                READ, read=round(done / MEGABYTE, 1), size=round(file.size / MEGABYTE, 1)
            )
            progress.checkpoint()

        scan(file, progress.job_id, report)
        progress.message("")
        _settle_refused(progress, file)
    _import(progress, file, list(file.interchanges.order_by("position")))


@progress_actor(
    task_type="edi_import",
    queue_name="edi",
    title=gettext_noop("Importing from quarantine"),
    unit=("message", "messages"),
    budget=None,
)
def import_released(progress: ProgressTracker, interchange_id: int) -> None:
    """Import what a person has let out of quarantine."""
    interchange = Interchange.objects.select_related("file").get(pk=interchange_id)
    _import(progress, interchange.file, [interchange])


def _import(progress: ProgressTracker, file: EdiFile, interchanges: Sequence[Interchange]) -> None:
    items = EdiMessage.objects.filter(taken_by=progress.job_id)
    with (
        progress.stage(IMPORTING, share=0.75, of=STAGES),
        file.open() as content,
    ):
        wanted = items.select_related("interchange__partner")
        for message in progress.track(wanted, key="pk"):
            refused: MessageRefused | None = None
            with progress.item(message, ref=str(message)):
                try:
                    importing.take(message, content)
                except MessageRefused as error:
                    refused = error
                    raise
            if refused is not None:
                # The item's own writes were undone with it.
                importing.refuse(message, refused.findings)
    with progress.stage(ACKNOWLEDGING, share=0.05, of=STAGES):
        _note_refused(items)
        for interchange in interchanges:
            progress.checkpoint()
            settling.settle_interchange(interchange)
            acknowledge(interchange)
        settling.settle_file(file)
    messages = EdiMessage.objects.filter(interchange__in=[each.pk for each in interchanges])
    waiting = messages.filter(
        Q(status=MessageStatus.QUARANTINED) | Q(interchange__status=InterchangeStatus.QUARANTINED)
    ).count()
    progress.result(
        UNDECIDED if waiting else SUMMARY,
        links=[{"label": LINK, "href": file.get_absolute_url()}],
        imported=messages.filter(status=MessageStatus.IMPORTED).count(),
        total=messages.count(),
        waiting=waiting,
    )


def _note_refused(items: Iterable[EdiMessage]) -> None:
    """Catch up on messages whose refusal a worker that died has settled, but not written down."""
    for message in EdiMessage.objects.filter(
        pk__in=items,
        status=MessageStatus.PENDING,  # type: ignore[misc]
    ).select_related("interchange__partner", "interchange__file"):
        with message.interchange.file.open() as content:
            try:
                importing.examine(message, content)
            except MessageRefused as refused:
                importing.refuse(message, refused.findings)


def _settle_refused(progress: ProgressTracker, file: EdiFile) -> None:
    """Enter what is not imported as items: the file itself, or interchanges of it."""
    refused: Sequence[EdiFile | Interchange]
    interchanges = list(file.interchanges.filter(was_refused=True).order_by("position"))
    whole = not file.interchanges.exists()
    refused = [file] if whole else interchanges
    for each in progress.track(refused, key=lambda item: f"{type(item).__name__}-{item.pk}"):
        with progress.item(each, ref=str(each)):
            if isinstance(each, EdiFile):
                _raise_for_file(each)
            elif not reconsider(each, progress.job_id):
                _raise_for_interchange(each)


def _raise_for_file(file: EdiFile) -> None:
    if file.status == FileStatus.DUPLICATE:
        raise ItemSkipped(DUPLICATE, code="duplicate", params={"file": file.duplicate_of_id})
    _raise_for_fault(file.faults.first())


def _raise_for_interchange(interchange: Interchange) -> None:
    facts = {"sender": interchange.sender, "reference": interchange.reference}
    match interchange.reason:
        case Reason.UNKNOWN_PARTNER:
            raise ItemSkipped(UNKNOWN_PARTNER, code="unknown-partner", params=facts)
        case Reason.INACTIVE_PARTNER:
            raise ItemSkipped(INACTIVE_PARTNER, code="inactive-partner", params=facts)
        case Reason.DUPLICATE:
            raise ItemSkipped(KNOWN_REFERENCE, code="duplicate", params=facts)
        case _:
            faults = interchange.faults.filter(message=None)
            _raise_for_fault(faults.filter(is_warning=False).first() or faults.first())


def _raise_for_fault(fault: EdiFault | None) -> None:
    if fault is None:
        raise ItemFailed(REFUSED, code="refused")
    msgid, params = words.of(fault.as_read())
    raise ItemFailed(msgid, code=fault.code, params=params)
