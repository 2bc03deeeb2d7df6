"""Every invoice's document is made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.invoices import archive, pdf
from apps.invoices.errors import DamagedFileError
from apps.invoices.models import Invoice, InvoiceFile
from tests.invoices.factories import make_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.HERON_INVOICES_DIR = tmp_path / "invoices"
    return tmp_path / "invoices"


def file_of(invoice: Invoice, folder: Path) -> Path:
    return folder / InvoiceFile.objects.get(invoice=invoice).path


def redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a later version draw invoices differently."""
    monkeypatch.setattr(pdf, "render", lambda invoice: b"%PDF another template")


def test_a_document_is_kept_and_its_facts_are_noted(folder: Path) -> None:
    invoice = make_invoice()

    content = archive.document(invoice)

    kept = InvoiceFile.objects.get()
    assert (kept.path[:8], kept.size) == ("2026/03/", len(content))
    assert kept.template_version == pdf.TEMPLATE_VERSION
    assert file_of(invoice, folder).read_bytes() == content
    assert file_of(invoice, folder).stat().st_mode & 0o077 == 0
    assert [each.name for each in file_of(invoice, folder).parent.iterdir()] == [
        file_of(invoice, folder).name
    ]


def test_a_later_template_does_not_change_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = make_invoice()
    before = archive.document(invoice)
    redrawn(monkeypatch)

    assert archive.document(Invoice.objects.get(pk=invoice.pk)) == before


def test_a_lost_file_is_made_again_as_it_was(folder: Path) -> None:
    invoice = make_invoice()
    before = archive.document(invoice)
    file_of(invoice, folder).unlink()

    assert archive.document(Invoice.objects.get(pk=invoice.pk)) == before
    assert file_of(invoice, folder).read_bytes() == before


@pytest.mark.parametrize("harm", ["lost", "altered"])
def test_a_file_that_cannot_be_made_again_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    invoice = make_invoice()
    archive.document(invoice)
    if harm == "lost":
        file_of(invoice, folder).unlink()
    else:
        file_of(invoice, folder).write_bytes(b"%PDF forged")
    redrawn(monkeypatch)

    with pytest.raises(DamagedFileError, match=r"F2026-00001 .*Restore .*invoices/2026/03"):
        archive.document(Invoice.objects.get(pk=invoice.pk))


def test_an_altered_file_is_never_handed_out(folder: Path) -> None:
    invoice = make_invoice()
    before = archive.document(invoice)
    file_of(invoice, folder).write_bytes(b"%PDF forged")

    assert archive.document(Invoice.objects.get(pk=invoice.pk)) == before


def test_two_at_once_keep_one(folder: Path) -> None:
    invoice = make_invoice()
    # Both looked before either had kept anything.
    first, second = (Invoice.objects.select_related("file").get(pk=invoice.pk) for _ in range(2))

    assert archive.document(first) == archive.document(second)

    assert InvoiceFile.objects.count() == 1
    assert len(list(folder.rglob("*.pdf"))) == 1
