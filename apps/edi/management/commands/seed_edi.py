"""`manage.py seed_edi`: give the demo something to import."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.edi import seeding


class Command(BaseCommand):
    """Make the demo's partner and files; running it again changes nothing."""

    help = "Make a partner and start importing four files of it, unless it is there already."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--user", default="demo", help="whose the files are")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed."""
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}. Run seed_demo first.")
        self.stdout.write(f"{seeding.seed(user)} EDI files")
