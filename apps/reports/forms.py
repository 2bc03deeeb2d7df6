"""What a page asks before a report is made: the time and the format."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Max, Min
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.reports.kinds import Asks, Kind
from apps.reports.models import LedgerEntry
from apps.reports.periods import Period
from apps.reports.writers import FORMATS


class ReportForm(forms.Form):
    """The fields that every report has; each way of asking for time adds its own, and `period`."""

    format = forms.ChoiceField(
        label=gettext_lazy("Format"), widget=forms.Select(attrs={"class": "form-select"})
    )

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        choices: Any = [(name, FORMATS[name].label) for name in kind.formats]
        field = cast(forms.ChoiceField, self.fields["format"])
        field.choices = choices
        field.initial = kind.formats[0]
        self.order_fields([*(name for name in self.fields if name != "format"), "format"])


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "form-control"})
    # What a date field sends, whatever the page's language.
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d"])


class PeriodForm(ReportForm):
    """From one day to another."""

    first = _day(pgettext_lazy("period", "From"))
    last = _day(pgettext_lazy("period", "To"))

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins."""
        fields: dict[str, Any] = super().clean() or {}
        first, last = fields.get("first"), fields.get("last")
        if first and last and first > last:
            self.add_error("last", _("The period ends before it begins."))
        return fields

    @property
    def period(self) -> Period:
        """Both days included."""
        return Period(first=self.cleaned_data["first"], last=self.cleaned_data["last"])


class DayForm(ReportForm):
    """One day."""

    last = _day(pgettext_lazy("day", "On"))

    @property
    def period(self) -> Period:
        """Everything up to that day."""
        return Period(last=self.cleaned_data["last"])


class YearForm(ReportForm):
    """One of the years that the ledger has."""

    year = forms.TypedChoiceField(
        label=gettext_lazy("Financial year"),
        coerce=int,
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["year"])
        field.choices = [(str(year), str(year)) for year in years()]

    @property
    def period(self) -> Period:
        """From its first day to its last."""
        year = self.cleaned_data["year"]
        return Period(first=date(year, 1, 1), last=date(year, 12, 31))


AnyReportForm = PeriodForm | DayForm | YearForm

FORMS: dict[Asks, type[PeriodForm] | type[DayForm] | type[YearForm]] = {
    Asks.PERIOD: PeriodForm,
    Asks.DAY: DayForm,
    Asks.YEAR: YearForm,
}


def form_for(kind: Kind, fields: QueryDict | None = None) -> AnyReportForm:
    """Give the form of a kind: filled with what was sent, or else with what is usual."""
    form = FORMS[kind.asks](kind)
    usual = _usual(kind)
    sent = fields.dict() if fields is not None else {}
    data = {
        name: sent.get(name) or usual.get(name, field.initial)
        for name, field in form.fields.items()
    }
    return FORMS[kind.asks](kind, data)


def years() -> list[int]:
    """Find the years of the ledger, the newest first; this year when it is empty."""
    ends = LedgerEntry.objects.aggregate(first=Min("date"), last=Max("date"))
    if ends["first"] is None:
        return [timezone.localdate().year]
    return list(range(ends["last"].year, ends["first"].year - 1, -1))


def _usual(kind: Kind) -> dict[str, Any]:
    """Fill in the last twelve months, today, and the newest year."""
    today = timezone.localdate()
    if kind.asks is Asks.YEAR:
        return {"year": str(years()[0])}
    # As text, as a browser sends it.
    year, month = divmod(today.year * 12 + today.month - 1 - 11, 12)
    return {"first": date(year, month + 1, 1).isoformat(), "last": today.isoformat()}
