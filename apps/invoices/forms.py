"""What a person fills in before a mailing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.invoices import letters
from apps.invoices.errors import UnknownPlaceholderError
from apps.invoices.models import MailingMode


def known_placeholders(text: str) -> None:
    """Refuse a text that mentions what nobody fills in."""
    try:
        letters.check(text)
    except UnknownPlaceholderError as error:
        raise forms.ValidationError(
            _("There is no {%(name)s}. Use one of: %(known)s."),
            params={"name": error.name, "known": ", ".join(f"{{{n}}}" for n in error.known)},
        ) from error


class MailingForm(forms.Form):
    """How to send: to whom, and with which letter. All of it has a default."""

    mode = forms.ChoiceField(label=_("Send"), choices=MailingMode.choices, required=False)
    subject = forms.CharField(
        label=_("Subject"), max_length=200, required=False, validators=[known_placeholders]
    )
    body = forms.CharField(
        label=_("Letter"), required=False, validators=[known_placeholders], widget=forms.Textarea
    )
    even_refused = forms.BooleanField(required=False)

    def clean_mode(self) -> str:
        """Send in earnest unless something else is said."""
        return str(self.cleaned_data["mode"] or MailingMode.LIVE)

    def options(self) -> dict[str, Any]:
        """Give what `mailing.prepare` takes."""
        return dict(self.cleaned_data)
