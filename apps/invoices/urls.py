"""The invoices' URLs."""

from __future__ import annotations

from django.urls import path

from apps.invoices import views

app_name = "invoices"

urlpatterns = [
    path("", views.invoice_list, name="list"),
    path("preflight/", views.preflight_check, name="preflight"),
    path("send/", views.send, name="send"),
    path("mailings/<int:pk>/", views.mailing, name="mailing"),
    path("<int:pk>/pdf/", views.invoice_pdf, name="pdf"),
    path("mailbox/", views.mailbox, name="mailbox"),
    path("mailbox/<str:key>/", views.mail, name="mail"),
    path("mailbox/<str:key>/<int:index>/", views.mail_attachment, name="mail_attachment"),
]
