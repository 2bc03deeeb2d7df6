"""Heron's URLs: each room brings its own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="invoices:list"), name="home"),
    path("core/", include(("apps.core.urls", "apps.core"), namespace="core")),
    path("invoices/", include("apps.invoices.urls")),
    path("edi/", include("apps.edi.urls")),
    path("reports/", include("apps.reports.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
