# mypy: ignore-errors
# The guide's section 3.1. What differs is marked HERON.
import threading
import time

import dramatiq  # HERON: instead of celery

from apps.core.bin.sse_progress import SSEProgressTracker
from apps.core.models import SSEProgress


@dramatiq.actor(queue_name="mail")  # HERON: instead of @shared_task(bind=True)
def send_invoices_with_sse(invoice_ids, job_id):  # HERON: job_id, instead of user_id
    """
    Envoie des factures avec suivi SSE
    """
    # HERON: the view has made the row, and hands its id over. The guide makes a second id and a
    # second row here: events then go to a channel that no page watches, and the bar stays at 0 %.
    progress = SSEProgress.objects.get(job_id=job_id)

    # Créer le tracker SSE
    sse = SSEProgressTracker(job_id)

    try:
        # Marquer comme démarré
        progress.mark_as_started()
        sse.send_start(
            total=len(invoice_ids),
            message='Démarrage envoi des factures...'
        )

        # Traiter chaque facture
        for idx, invoice_id in enumerate(invoice_ids, 1):
            try:
                # Votre logique d'envoi d'email ici
                send_single_invoice(invoice_id)

                # Mettre à jour la progression
                progress.update_progress(processed=1, message=f"Facture {idx}/{len(invoice_ids)}")
                sse.send_progress(
                    current=idx,
                    total=len(invoice_ids),
                    message=f"Envoi facture {idx}/{len(invoice_ids)}"
                )

            except Exception as e:
                # En cas d'erreur sur un email
                progress.update_progress(processed=1, failed=1)
                sse.send_warning(f"Erreur sur facture {invoice_id}: {str(e)}")

        # Terminer avec succès
        progress.mark_as_completed()
        sse.send_complete(
            total=len(invoice_ids),
            message=f'✅ {progress.success_count} factures envoyées, {progress.failed_items} erreurs'
        )

    except Exception as e:
        # Erreur globale
        progress.mark_as_failed(str(e))
        sse.send_error(f"Erreur critique: {str(e)}")
        raise

    # HERON: no return value. Dramatiq drops it, unless a result backend is set up: what a job has
    # to say is in its row.


# The shop's own e-mail code, which the guide leaves to the reader.
def send_single_invoice(invoice_id):
    if invoice_id == "inconnue":
        raise ValueError("adresse inconnue")
    if invoice_id == "muette":  # a mail server that does not answer
        threading.Event().wait()
    time.sleep(0.3)
