"""`manage.py seed_demo`: fill an empty database with a demo company."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from apps.invoices import seeding
from apps.invoices.demo_data import SIZES, generate
from apps.invoices.models import Customer, Invoice


class Command(BaseCommand):
    """Make a believable French demo data set; running it again changes nothing."""

    help = "Make the demo's users, company, customers and invoices, unless they are there already."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--size",
            choices=SIZES,
            default="demo",
            help="; ".join(
                f"{name}: {customers:,} customers, {invoices:,} invoices"
                for name, (customers, invoices) in SIZES.items()
            ),
        )
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            default=None,
            help="The day that the invoices' dates are counted back from (YYYY-MM-DD).",
        )
        parser.add_argument("--seed", type=int, default=42, help="Another seed, other data.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and say in one line what there is now."""
        today = options["today"] or timezone.localdate()
        data = generate(today, seed=options["seed"], size=options["size"])
        seeding.add_users()
        made = seeding.write(data)
        self.stdout.write(
            f"{'Made' if made else 'Already there'}: {Customer.objects.count()} customers, "
            f"{Invoice.objects.count()} invoices; logins: demo/demo (staff), claire/claire"
        )
