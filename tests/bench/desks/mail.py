"""mail.per_s (a whole mailing against a bare loop) and mail.send_us (the books around one mail).

In a process of its own, against `manage.py smtp_sink` in another, with events to a real Valkey.
`BENCH_MAILS=20` for a quick look.
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.generator import BytesGenerator
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from heron.demo.surroundings import ROOT, python
from tests.bench.common import OURS, interleaved, report
from tests.support.valkey import running_valkey

if TYPE_CHECKING:
    from django.core.mail import EmailMessage

    from apps.invoices.models import Invoice

MAILS = int(os.environ.get("BENCH_MAILS", "100"))
ROUNDS = 5
FROM = "facturation@heron.example"


def main() -> None:
    """Start what mails need, and measure in a process beside it."""
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="heron-bench-"))
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "heron.settings",
            "DRAMATIQ_STUB": "1",
            "DEBUG": "0",
            "SECRET_KEY": "only-for-benchmarks-" + "0" * 50,
            "HERON_VAR_DIR": var,
            "REDIS_URL": stack.enter_context(running_valkey()),
            "LOG_LEVEL": "ERROR",
        }
        environment.pop("DATABASE_URL", None)
        environment["EMAIL_PORT"] = stack.enter_context(_sink(environment, Path(var)))
        command = python("-m", "tests.bench.desks.mail", "measure")
        subprocess.run(command, env=environment, cwd=ROOT, check=True)


@contextmanager
def _sink(environment: dict[str, str], var: Path) -> Iterator[str]:
    """Run a mail server; give its port."""
    command = python("manage.py", "smtp_sink", "--maildir", str(var / "mailbox"))
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0].rpartition(":")[2]
        finally:
            process.terminate()


def measure() -> None:
    """Measure on the database of this process."""
    import django

    django.setup()
    from datetime import date

    from django.core.management import call_command

    from apps.invoices import seeding
    from apps.invoices.demo_data import generate

    call_command("migrate", verbosity=0)
    seeding.add_users()
    seeding.write(generate(date(2026, 1, 5), size="sample"))
    invoices = _reachable()
    contenders: dict[str, Callable[[], float]] = {
        OURS: lambda: _mailing(invoices),
        "bare": lambda: _bare_pipeline(invoices),
    }
    for each in contenders.values():
        each()  # fonts, schema, imports
    samples = interleaved(contenders, rounds=ROUNDS)
    rates = {name: [MAILS / seconds for seconds in found] for name, found in samples.items()}
    report("mail.per_s", "mails/s", rates, note=f"{MAILS} mails, one process, PDF + XML + SMTP")
    letters = [_letter(invoice) for invoice in invoices]
    contenders = {
        OURS: lambda: _written_mailing(invoices, letters),
        "bare": lambda: _bare_sending(letters),
    }
    samples = interleaved(contenders, rounds=ROUNDS)
    micro = {name: [each / MAILS * 1e6 for each in found] for name, found in samples.items()}
    report("mail.send_us", "µs", micro, digits=0, note=f"{MAILS} mails already written")


def _reachable() -> list[Invoice]:
    from apps.invoices.models import Invoice

    found = Invoice.objects.select_related("customer", "corrects").prefetch_related("lines")
    usual = found.filter(customer__email__contains="@").exclude(customer__email__startswith="5xx")
    return list(usual.exclude(customer__email__startswith="4xx").order_by("-pk")[:MAILS])


def _mailing(invoices: list[Invoice]) -> float:
    """Send them as a job does, from the first row to the last, documents made anew."""
    from django.contrib.auth.models import User

    from apps.core.runner import run
    from apps.invoices.actors import send_invoices
    from apps.invoices.mailing import prepare
    from apps.invoices.models import Delivery, Invoice, InvoiceFile, Mailing

    Delivery.objects.all().delete()
    Mailing.objects.all().delete()
    InvoiceFile.objects.all().delete()
    clerk = User.objects.first()
    assert clerk is not None
    wanted = Invoice.objects.filter(pk__in=[invoice.pk for invoice in invoices])
    mailing, _ = prepare(clerk, wanted, even_refused=True)
    job = send_invoices.start_for(clerk, mailing_id=mailing.pk)
    begun = perf_counter()
    run(job.job_id, send_invoices.fn)
    took = perf_counter() - begun
    job.refresh_from_db()
    assert (job.status, job.success_count) == ("completed", len(invoices)), job.error
    return took


def _bare_pipeline(invoices: list[Invoice]) -> float:
    """Make the same documents and mails, and hand them to smtplib."""
    begun = perf_counter()
    with _connected() as smtp:
        for invoice in invoices:
            _hand_over(smtp, _letter(invoice))
    return perf_counter() - begun


def _letter(invoice: Invoice) -> EmailMessage:
    from django.core.mail import EmailMessage

    from apps.invoices import pdf

    message = EmailMessage(
        subject=f"Facture {invoice.number}",
        body="Bonjour,\n\nVeuillez trouver ci-joint votre facture.\n",
        from_email=FROM,
        to=[invoice.customer.email],
    )
    message.attach(f"{invoice.number}.pdf", pdf.render(invoice), "application/pdf")
    return message


def _written_mailing(invoices: list[Invoice], messages: list[EmailMessage]) -> float:
    """Send them as a job does, with letters that are written already."""
    from apps.invoices import letters

    ready = {invoice.pk: message for invoice, message in zip(invoices, messages, strict=True)}
    original = letters.compose
    letters.compose = lambda delivery, company: ready[delivery.invoice_id]
    try:
        return _mailing(invoices)
    finally:
        letters.compose = original


def _bare_sending(messages: list[EmailMessage]) -> float:
    begun = perf_counter()
    with _connected() as smtp:
        for message in messages:
            _hand_over(smtp, message)
    return perf_counter() - begun


def _hand_over(smtp: smtplib.SMTP, message: EmailMessage) -> None:
    # What Django's own backend does, in words that Django 5.2 and 6 both know.
    content = BytesIO()
    BytesGenerator(content, mangle_from_=False).flatten(message.message(), linesep="\r\n")
    smtp.sendmail(FROM, message.recipients(), content.getvalue())


def _connected() -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", int(os.environ["EMAIL_PORT"]))


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
