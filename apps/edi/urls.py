"""The EDI desk's URLs."""

from __future__ import annotations

from django.urls import path

from apps.edi import views

app_name = "edi"

urlpatterns = [
    path("", views.file_list, name="list"),
    path("upload/", views.upload, name="upload"),
    path("<int:pk>/", views.file, name="file"),
    path("<int:pk>/content/", views.content, name="content"),
    path("documents/<int:pk>/", views.document, name="document"),
    path("interchanges/<int:pk>/acknowledgement/", views.acknowledgement, name="acknowledgement"),
    path("interchanges/<int:pk>/decide/", views.decide, name="decide"),
    path("messages/<int:pk>/decide/", views.decide_message, name="decide_message"),
]
