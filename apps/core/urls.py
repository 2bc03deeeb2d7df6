"""Everything that the browser asks core for, below /core/."""

from __future__ import annotations

from django.urls import path, re_path

from apps.core.views import views_decisions, views_events, views_jobs, views_sse_progress

app_name = "core"

JOB_ID = r"(?P<job_id>[A-Za-z0-9_-]{1,64})"

urlpatterns = [
    path("events/", views_events.events, name="events"),
    path("sse-progress/", views_sse_progress.sse_progress_list, name="sse_progress_list"),
    re_path(
        rf"^sse-progress/{JOB_ID}/$",
        views_sse_progress.sse_progress_detail,
        name="sse_progress_detail",
    ),
    re_path(
        rf"^sse-progress/{JOB_ID}/items\.csv$",
        views_sse_progress.sse_progress_items,
        name="sse_progress_items",
    ),
    # Before the verbs, which it looks like.
    re_path(
        rf"^sse-progress/{JOB_ID}/decide/$",
        views_decisions.sse_progress_decide,
        name="sse_progress_decide",
    ),
    re_path(
        rf"^sse-progress/{JOB_ID}/(?P<action>[a-z]+)/$",
        views_sse_progress.sse_progress_action,
        name="sse_progress_action",
    ),
    path("jobs/", views_jobs.jobs, name="jobs"),
    re_path(rf"^jobs/{JOB_ID}/$", views_jobs.job, name="job"),
]
