# mypy: ignore-errors
# The guide's section 3.2. What differs is marked HERON.
import uuid
from django.shortcuts import render
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import JsonResponse

from apps.invoices.tasks import send_invoices_with_sse
from apps.core.models import SSEProgress

@login_required
def send_invoices_page(request):
    """
    Page qui affiche la jauge de progression
    """
    if request.method == 'POST':
        # Récupérer les IDs de factures à envoyer
        invoice_ids = request.POST.getlist('invoice_ids')

        # Générer un job_id
        job_id = str(uuid.uuid4())

        # Créer l'enregistrement initial
        SSEProgress.objects.create(
            job_id=job_id,
            user=request.user,
            task_type='email_sending',
            total_items=len(invoice_ids),
            status='pending'
        )

        # HERON: Dramatiq's send instead of Celery's delay, with the job_id instead of the user's,
        # and only once the row is there for the worker to see (ATOMIC_REQUESTS).
        transaction.on_commit(lambda: send_invoices_with_sse.send(invoice_ids, job_id))

        return JsonResponse({
            'success': True,
            'job_id': job_id,
            'total': len(invoice_ids)
        })

    return render(request, 'invoices/send_invoices.html')


# HERON: the guide shows section 4's template without its view. The POST is the one above.
@login_required
def send_invoices_simple(request):
    if request.method == 'POST':
        return send_invoices_page(request)
    return render(
        request,
        'invoices/send_invoices_simple.html',
        {'job_id': request.GET.get('job_id')}
    )
