"""`manage.py edi_generate`: write an EDI file of any size, right or wrong in chosen ways."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.edi.demo_data import Flaw, Plan, write_850s, write_orders


class Command(BaseCommand):
    """Write an EDI file."""

    help = "Write an EDI file of orders. 30000 messages of 15 lines are about 50 MB."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the plan."""
        parser.add_argument("path", type=Path)
        parser.add_argument("--x12", action="store_true", help="850 instead of ORDERS")
        parser.add_argument("--messages", type=int, default=200)
        parser.add_argument("--lines", type=int, default=15)
        parser.add_argument("--reference", default="DEMO1", help="the control reference")
        parser.add_argument("--first", type=int, default=1, help="the first order's number")
        parser.add_argument("--sender", default="", help="the sender's EDI address")
        parser.add_argument(
            "--flaw",
            action="append",
            default=[],
            choices=[flaw.value for flaw in Flaw],
            help="a way to be wrong; may be given several times",
        )
        parser.add_argument("--bad", type=int, default=3, help="how many messages are wrong")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, **options: Any) -> None:
        """Write it."""
        given = {"sender": options["sender"]} if options["sender"] else {}
        plan = Plan(
            standard="x12" if options["x12"] else "edifact",
            messages=options["messages"],
            lines=options["lines"],
            reference=options["reference"],
            first=options["first"],
            flaws=tuple(Flaw(name) for name in options["flaw"]),
            bad=options["bad"],
            seed=options["seed"],
            **given,
        )
        pieces = write_850s(plan) if options["x12"] else write_orders(plan)
        try:
            with options["path"].open("wb") as file:
                size = sum(file.write(piece) for piece in pieces)
        except OSError as error:
            raise CommandError(f"{options['path']} can't be written: {error}") from error
        self.stdout.write(f"{options['path']}: {plan.messages} messages, {size} bytes")
