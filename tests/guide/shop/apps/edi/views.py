# mypy: ignore-errors
# HERON: the guide shows section 5.1's task only; this is how a page starts it.
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import render

from apps.core.models import SSEProgress
from apps.edi.tasks import import_edi_files

@login_required
def import_page(request):
    job_id = None
    if request.method == 'POST':
        file_paths = request.POST.getlist('file_paths')
        progress = SSEProgress.objects.create(
            user=request.user,
            task_type='edi_import',  # ← Différent type
            total_items=len(file_paths)
        )
        job_id = progress.job_id
        transaction.on_commit(lambda: import_edi_files.send(file_paths, job_id))
    return render(request, 'job.html', {'job_id': job_id, 'title': 'Import EDI'})
