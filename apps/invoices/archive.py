"""The archive: every invoice's document, made once and handed out byte for byte ever after."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.utils import timezone

from apps.core import bulk
from apps.invoices import pdf
from apps.invoices.errors import DamagedFileError
from apps.invoices.models import Invoice, InvoiceFile

#: Of a kept file's row. A mailing writes thousands, one by one: `bulk_create` takes a millisecond.
COLUMNS = ("invoice", "path", "sha256", "size", "template_version", "made_at")


def document(invoice: Invoice) -> bytes:
    """Give a validated invoice's PDF: the one that was made the first time, or now for ever.

    A file that is lost is made again if that still gives the same bytes.

    Raises:
        DamagedFileError: the file is not the one that was made, and can't be made again.
        InvalidDocumentError: the invoice makes no valid document.
    """
    kept = getattr(invoice, "file", None)
    if kept is None:
        return _keep(invoice)
    content = _read(kept)
    if content is None:
        content = pdf.render(invoice)
        if _digest(content) != kept.sha256:
            raise DamagedFileError(str(invoice), str(_path(kept.path)))
        _write(_path(kept.path), content)
    return content


def _keep(invoice: Invoice) -> bytes:
    content = pdf.render(invoice)
    digest = _digest(content)
    path = f"{invoice.issue_date:%Y/%m}/{invoice.number}-{digest[:8]}.pdf"
    _write(_path(path), content)
    made_at = bulk.adapt(InvoiceFile, "made_at", timezone.now())
    row = (invoice.pk, path, digest, len(content), pdf.TEMPLATE_VERSION, made_at)
    # Two at once make the same: whose row comes first does not matter.
    bulk.insert(InvoiceFile, COLUMNS, [row], ignore_conflicts=True)
    return content


def _read(kept: InvoiceFile) -> bytes | None:
    """Read a file; None when it is lost or not the one that was made."""
    try:
        content = _path(kept.path).read_bytes()
    except FileNotFoundError:
        return None
    return content if _digest(content) == kept.sha256 else None


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for nobody else to read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as unfinished:
        try:
            unfinished.write(content)
            unfinished.flush()
            os.replace(unfinished.name, path)
        except BaseException:
            Path(unfinished.name).unlink(missing_ok=True)
            raise


def _path(relative: str) -> Path:
    return Path(settings.HERON_INVOICES_DIR) / relative


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
