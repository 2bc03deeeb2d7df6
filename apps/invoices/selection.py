"""Which invoices a person means: those that are ticked, or all that a list shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.invoices import invoice_list as listing
from apps.invoices.errors import InvoicesError
from apps.invoices.models import Invoice

#: More than the longest page of the list has; ranges would allow for anything.
MOST_TICKED = 5000


class SelectionError(InvoicesError):
    """Raised when what a page sent is no selection; the text is for the reader."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Ticked invoices; or, without any, everything sendable that the filters show."""

    ticked: frozenset[int]
    filters: listing.Filters

    @classmethod
    def read(cls, fields: QueryDict) -> Selection:
        """Read a selection from a form or an address.

        The fields: `invoice_ids`, several times; or `ids`, as in 4-9,12; or `all=1` with the
        list's filters.

        Raises:
            SelectionError: nothing is selected, or it can't be read.
        """
        filters = listing.Filters.read(fields)
        if fields.get("all") == "1":
            return cls(ticked=frozenset(), filters=filters)
        sent = fields.getlist("invoice_ids") or fields.getlist("invoice_ids[]")
        try:
            ticked = frozenset([*map(int, sent), *_expand(fields.get("ids", ""))])
        except ValueError as error:
            raise SelectionError(_("The selection could not be read. Reload the page.")) from error
        if not ticked:
            raise SelectionError(_("No invoice is selected. Tick at least one."))
        return cls(ticked=ticked, filters=filters)

    def invoices(self) -> QuerySet[Invoice]:
        """Find the invoices.

        Raises:
            SelectionError: some that were ticked are gone.
        """
        if not self.ticked:
            return listing.sendable(self.filters)
        found = Invoice.objects.filter(pk__in=self.ticked)
        if missing := len(self.ticked) - found.count():
            raise SelectionError(
                ngettext(
                    "%(n)s selected invoice no longer exists. Reload the page.",
                    "%(n)s selected invoices no longer exist. Reload the page.",
                    missing,
                )
                % {"n": missing}
            )
        return found

    def fields(self) -> dict[str, str]:
        """Give the selection as fields, short enough for an address, with the list it is from."""
        chosen = {"ids": _compress(self.ticked)} if self.ticked else {"all": "1"}
        return chosen | self.list_fields()

    def list_fields(self) -> dict[str, str]:
        """Give the list that the selection was made on, as fields."""
        filters = self.filters
        kept = {
            "status": filters.status,
            "q": filters.search,
            "sort": filters.order,
            "per_page": str(filters.page_size),
        }
        default = listing.Filters()
        usual = {"sort": default.order, "per_page": str(default.page_size), "q": ""}
        return {name: value for name, value in kept.items() if value != usual.get(name)}

    def query(self, **more: str) -> str:
        """Give the selection as the query of an address."""
        return urlencode(self.fields() | more)


def _expand(ranges: str) -> Iterator[int]:
    wanted = 0
    for part in filter(None, ranges.split(",")):
        first, _dash, last = part.partition("-")
        found = range(int(first), int(last or first) + 1)
        wanted += len(found)
        if wanted > MOST_TICKED:
            raise ValueError(ranges)
        yield from found


def _compress(numbers: Iterable[int]) -> str:
    """Write numbers as ranges: 4-9,12."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)
