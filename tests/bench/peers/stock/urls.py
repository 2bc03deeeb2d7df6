"""The stream at Heron's own address; all other pages are Heron's."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("core/events/", include("django_eventstream.urls")),
    path("", include("heron.urls")),
]
