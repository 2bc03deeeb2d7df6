"""`manage.py jobs`: look at jobs and steer them from a terminal."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from apps.core import decisions, job_text
from apps.core.errors import NotInDoubtError, NotPossibleNowError
from apps.core.ledger import lines as lines_of
from apps.core.models import Decision, JobItem, Outcome, SSEProgress
from apps.core.snapshot import snapshot_for_reader
from apps.core.statuses import Status
from apps.core.verbs import VERBS

#: Exit statuses beside 0.
NOT_NOW = 1
NOT_FOUND = 2

EXIT_STATUS = (
    "Exit status: 0 it is done; 1 it is not possible now; 2 there is no such job, item or user, or "
    "the command is not understood."
)


class Command(BaseCommand):
    """List, show, cancel, pause, resume and retry jobs, and decide about items in doubt."""

    help = "Look at jobs and steer them. The beginning of a job's id is enough when it is unique."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare a sub-command for each verb; `list` is the default."""
        parser.epilog = EXIT_STATUS
        parser.add_argument("--json", action="store_true", help="Answer in JSON.")
        parser.set_defaults(status=None, limit=20)
        # Again behind the sub-command, where its absence must not undo the one before it.
        common = CommandParser(add_help=False)
        common.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
        verbs = parser.add_subparsers(dest="verb", metavar="VERB")
        listing = verbs.add_parser("list", parents=[common], help="The newest jobs.")
        listing.add_argument("--status", choices=Status.values, help="Only those in this state.")
        listing.add_argument("--limit", type=int, default=20, help="At most so many (20).")
        for verb, text in {
            "show": "One job with its ledger.",
            "cancel": "Stop a job; what is done stays done.",
            "pause": "Let a job stop at its next item.",
            "resume": "Let a paused job go on.",
            "retry": "Do what is not done of a job that is over.",
        }.items():
            verbs.add_parser(verb, parents=[common], help=text).add_argument("job", metavar="ID")
        decide = verbs.add_parser("decide", parents=[common], help="Decide about items in doubt.")
        decide.add_argument("job", metavar="ID")
        decide.add_argument("decision", choices=Decision.values)
        which = decide.add_mutually_exclusive_group(required=True)
        which.add_argument("key", metavar="KEY", nargs="?", help="The item: #number or reference.")
        which.add_argument("--all", action="store_true", help="All items in doubt.")
        decide.add_argument("--user", required=True, help="Who decides (a login).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked and print it."""
        verb = options["verb"] or "list"
        if verb == "list":
            self._list(options["status"], options["limit"], as_json=options["json"])
            return
        job = _job(options["job"])
        if verb == "show":
            lines = list(lines_of(job).select_related("decided_by").order_by("pk"))
            self._print(
                {**snapshot_for_reader(job), "items": [job_text.item_data(each) for each in lines]},
                job_text.whole(job, lines),
                as_json=options["json"],
            )
            return
        try:
            if verb == "decide":
                decided = _decide(job, options)
                job, text = decided.job, decisions.tell(decided)
            else:
                job = VERBS[verb](job)
                text = job_text.line(job)
        except NotPossibleNowError as error:
            job.refresh_from_db()
            raise CommandError(job_text.not_now(job), returncode=NOT_NOW) from error
        except NotInDoubtError as error:
            text = _("Nothing is in doubt here any more: it is decided already.")
            raise CommandError(text, returncode=NOT_NOW) from error
        self._print(snapshot_for_reader(job), [text], as_json=options["json"])

    def _list(self, status: str | None, limit: int, *, as_json: bool) -> None:
        jobs = SSEProgress.objects.whole().select_related("user").order_by("-created_at", "pk")
        if status:
            jobs = jobs.filter(status=status)
        shown = list(jobs[: max(0, limit)])
        self._print(
            {"jobs": [snapshot_for_reader(job) for job in shown]},
            job_text.table(shown) or [_("No job here yet.")],
            as_json=as_json,
        )

    def _print(self, data: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(data, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(lines))


def _job(prefix: str) -> SSEProgress:
    """Find the job whose id is or begins with `prefix`."""
    exact = SSEProgress.objects.filter(job_id=prefix).first()
    if exact is not None:
        return exact
    found = list(SSEProgress.objects.filter(job_id__startswith=prefix)[:2]) if prefix else []
    if not found:
        text = _("There is no job whose id begins with “%(id)s”.") % {"id": prefix}
        raise CommandError(text, returncode=NOT_FOUND)
    if len(found) > 1:
        text = _("Several jobs' ids begin with “%(id)s”: give more of it.") % {"id": prefix}
        raise CommandError(text, returncode=NOT_FOUND)
    return found[0]


def _decide(job: SSEProgress, options: dict[str, Any]) -> decisions.Decided:
    user = get_user_model()._default_manager.filter(username=options["user"]).first()
    if user is None or not SSEProgress.objects.visible_to(user).filter(pk=job.pk).exists():
        text = _("There is no user “%(name)s” who may decide about this job.")
        raise CommandError(text % {"name": options["user"]}, returncode=NOT_FOUND)
    item = None if options["all"] else _item(job, options["key"]).pk
    return decisions.decide(job, Decision(options["decision"]), user, item=item)


def _item(job: SSEProgress, key: str) -> JobItem:
    """Find an item by its number in the ledger, or by its reference among those in doubt."""
    number = key.removeprefix("#")
    if number.isascii() and number.isdigit():
        found = list(lines_of(job).filter(pk=int(number)))
    else:
        found = list(lines_of(job).filter(ref=key, outcome=Outcome.IN_DOUBT))
    if len(found) != 1:
        text = _("There is no item “%(key)s”, or several. See: jobs show %(id)s") % {
            "key": key,
            "id": job.job_id[:8],
        }
        raise CommandError(text, returncode=NOT_FOUND)
    return found[0]
