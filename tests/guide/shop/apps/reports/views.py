# mypy: ignore-errors
# HERON: the guide shows section 5.2's task only; this is how a page starts it.
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import render

from apps.core.models import SSEProgress
from apps.reports.tasks import generate_reports

@login_required
def reports_page(request):
    job_id = None
    if request.method == 'POST':
        report_ids = request.POST.getlist('report_ids')
        progress = SSEProgress.objects.create(
            user=request.user,
            task_type='report_generation',  # ← Autre type
            total_items=len(report_ids),
            metadata={'format': 'PDF'}  # ← Métadonnées personnalisées
        )
        job_id = progress.job_id
        transaction.on_commit(lambda: generate_reports.send(report_ids, job_id))
    return render(request, 'job.html', {'job_id': job_id, 'title': 'Rapports'})
