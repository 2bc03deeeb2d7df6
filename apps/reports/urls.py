"""The reports' URLs."""

from __future__ import annotations

from django.urls import path

from apps.reports import views

app_name = "reports"

urlpatterns = [
    path("", views.report_list, name="list"),
    path("ask/", views.ask, name="ask"),
    path("<int:pk>/", views.report, name="report"),
    path("<int:pk>/download/", views.download, name="download"),
    path("<int:pk>/again/", views.again, name="again"),
]
