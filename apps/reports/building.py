"""Making a report's file: one snapshot, one attempt, and a file that is right or none."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from xlsxwriter.exceptions import XlsxFileError

from apps.core.errors import JobFailed
from apps.core.tracker import ProgressTracker
from apps.reports import store
from apps.reports.cents import pretty
from apps.reports.control import controlled
from apps.reports.document import Document
from apps.reports.errors import ControlTotalsError, FecRefusedError
from apps.reports.kinds import KINDS
from apps.reports.models import Ledger, LedgerEntry, Report
from apps.reports.models.report import expiry
from apps.reports.snapshot import snapshot
from apps.reports.writers import FORMATS, Format

NO_DATA = gettext_noop("No data: the ledger has nothing for it, so there is no file.")
READY_ONE = gettext_noop("1 row, %(size)s")
READY = gettext_noop("%(rows)s rows, %(size)s")
SEE = gettext_noop("Get the file")
RUN_AGAIN = gettext_noop("Nothing was kept. Try again once there is room.")

#: What the system says when there is no room: the disk, or the user's share of it.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def build(progress: ProgressTracker, report: Report) -> None:
    """Write a report's file and offer it; a later attempt begins anew.

    Raises:
        JobFailed: with words, when there can't be a right file.
    """
    progress.start_over()
    store.sweep(report)
    with snapshot() as alias:
        document = _document(report, alias)
        fmt = FORMATS[report.format]
        progress.expect(_total(document, fmt))
        if not document.count:
            progress.result(NO_DATA)
            return
        _refuse_too_many(document, fmt)
        with store.workplace(report) as place, in_words(document, fmt, progress):
            path = place / "report"
            with progress.stage(gettext_noop("Writing"), share=0.95, of=2):
                fmt.write(
                    path,
                    document,
                    lambda table: controlled(table, progress),
                    progress.checkpoint,
                )
            with progress.stage(gettext_noop("Offering"), share=0.05, of=2):
                offer(progress, report, path, document)


def offer(progress: ProgressTracker, report: Report, path: Path, document: Document) -> None:
    """Let people have a file that is finished, if this attempt still holds the job."""
    fmt, size = FORMATS[report.format], path.stat().st_size
    facts: dict[str, Any] = {
        "file_name": fmt.file_name(document),
        "size": size,
        "sha256": store.sha256_of(path),
        "rows": document.count,
        "control_totals": [
            [document.tables[0].columns[column].label, cents]
            for column, cents in document.tables[0].sums.items()
        ],
        "snapshot_at": document.snapshot_at,
        "expires_at": expiry(),
    }
    earlier = report.stored_name
    stored_name = store.publish(report, path, fmt.extension)
    try:
        with progress.fenced():
            Report.objects.filter(pk=report.pk).update(stored_name=stored_name, **facts)
    except BaseException:
        # Another attempt holds the job, and makes a file of its own.
        store.remove(stored_name)
        raise
    store.remove(earlier)
    progress.result(
        READY_ONE if document.count == 1 else READY,
        links=[{"label": SEE, "href": report.get_absolute_url()}],
        rows=number_format(document.count, force_grouping=True),
        size=filesizeformat(size),
    )


@contextmanager
def in_words(document: Document, fmt: Format, progress: ProgressTracker) -> Iterator[None]:
    """Turn what keeps a file from being right into words for people."""
    try:
        yield
    except (OSError, XlsxFileError) as error:
        if _errno(error) not in NO_ROOM:
            raise
        _nothing_done(progress, document, fmt)
        needed = _total(document, fmt) * fmt.working_bytes_a_row
        raise JobFailed(
            gettext_noop("Not enough space on the server: about %(needed)s are needed."),
            code="no-space",
            params={"needed": filesizeformat(needed)},
            hint=RUN_AGAIN,
        ) from error
    except ControlTotalsError as error:
        _nothing_done(progress, document, fmt)
        raise JobFailed(
            gettext_noop(
                "The control totals differ, so the file is not offered: %(what)s should be "
                "%(expected)s and is %(found)s."
            ),
            code="control-totals",
            params={
                "what": error.what,
                "expected": pretty(error.expected),
                "found": pretty(error.found),
            },
            hint=gettext_noop("Give the reference to your administrator."),
        ) from error
    except FecRefusedError as error:
        for fault in error.faults:
            progress.warn(fault.msgid, ref=fault.entry, code=fault.code, **fault.params)
        _nothing_done(progress, document, fmt)
        raise JobFailed(
            gettext_noop("The entries do not pass the checks, so there is no file: %(n)s faults."),
            code="fec-checks",
            params={"n": error.count},
            hint=gettext_noop("The entries are listed with this job."),
        ) from error


def _nothing_done(progress: ProgressTracker, document: Document, fmt: Format) -> None:
    """Take the rows back that were counted: without a file, none of them is done."""
    progress.start_over()
    progress.expect(_total(document, fmt))


def _total(document: Document, fmt: Format) -> int:
    return sum(table.count for table in fmt.tables(document)) if document.count else 0


def _document(report: Report, alias: str) -> Document:
    """Lay the report out as the ledger is now, and say when that was and who asked."""
    now = timezone.now()
    ledger = Ledger.objects.using(alias).first() or Ledger(siren="", name="")
    entries = LedgerEntry.objects.using(alias)
    document = KINDS[report.kind].document(entries, report.asked, ledger)
    owner = report.owner
    facts = (
        *document.facts,
        (_("State of the ledger"), _moment(now)),
        (_("Asked for by"), (owner.get_full_name() or owner.get_username()) if owner else ""),
        (_("Rows"), str(document.count)),
    )
    return replace(document, facts=facts, snapshot_at=now)


def _refuse_too_many(document: Document, fmt: Format) -> None:
    """Stop before the work begins; the page has counted too, but the ledger may have grown."""
    if fmt.most_rows is not None and document.count > fmt.most_rows:
        raise JobFailed(
            gettext_noop("%(rows)s rows are too many for this format: it takes up to %(most)s."),
            code="too-many-rows",
            params={"rows": document.count, "most": fmt.most_rows},
            hint=gettext_noop("Choose Excel or CSV, or a shorter period."),
        )
    needed = _total(document, fmt) * fmt.working_bytes_a_row
    if needed > store.free_bytes():
        raise JobFailed(
            gettext_noop(
                "Not enough space on the server: about %(needed)s are needed, %(free)s are left."
            ),
            code="no-space",
            params={
                "needed": filesizeformat(needed),
                "free": filesizeformat(store.free_bytes()),
            },
            hint=RUN_AGAIN,
        )


def _errno(error: BaseException) -> int | None:
    """Find the system's own number, also behind what xlsxwriter made of it."""
    for each in (error, *error.args, error.__cause__, error.__context__):
        if isinstance(each, OSError):
            return each.errno
    return None


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{date_format(local, 'SHORT_DATE_FORMAT')} {date_format(local, 'H:i')}"
