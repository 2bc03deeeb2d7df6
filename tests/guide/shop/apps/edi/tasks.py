# mypy: ignore-errors
# The guide's section 5.1. What differs is marked HERON.
import time

import dramatiq  # HERON: instead of celery

from apps.core.bin.sse_progress import SSEProgressTracker
from apps.core.models import SSEProgress

@dramatiq.actor(queue_name="edi")  # HERON: instead of @shared_task
def import_edi_files(file_paths, job_id):  # HERON: job_id, instead of user_id
    # HERON: the caller has made the row (see views.py); a page can't watch one that is made here.
    progress = SSEProgress.objects.get(job_id=job_id)

    sse = SSEProgressTracker(job_id)
    progress.mark_as_started()
    sse.send_start(total=len(file_paths), message='Import EDI...')

    for idx, file_path in enumerate(file_paths, 1):
        import_single_file(file_path)
        progress.update_progress(processed=1)
        sse.send_progress(idx, len(file_paths), f"Fichier {idx}/{len(file_paths)}")

    progress.mark_as_completed()
    sse.send_complete(len(file_paths), "Import terminé")


# The shop's own EDI code, which the guide leaves to the reader.
def import_single_file(file_path):
    if file_path == "illisible.edi":
        raise ValueError("illisible.edi n'est pas un interchange")
    time.sleep(0.2)
