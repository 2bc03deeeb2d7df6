from django.contrib import admin
from django.urls import include, path

from apps.edi.views import import_page
from apps.invoices.views import send_invoices_page, send_invoices_simple
from apps.reports.views import reports_page

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("factures/", send_invoices_page),
    path("factures/simple/", send_invoices_simple),
    path("edi/", import_page),
    path("rapports/", reports_page),
    # The guide, 1.4
    path(
        "core/",
        include(("apps.core.urls", "apps.core"), namespace="core"),
    ),
]
