# mypy: ignore-errors
# The guide's section 5.2. What differs is marked HERON.
import time

import dramatiq  # HERON: instead of celery

from apps.core.bin.sse_progress import SSEProgressTracker
from apps.core.models import SSEProgress

@dramatiq.actor(queue_name="reports")  # HERON: instead of @shared_task
def generate_reports(report_ids, job_id):  # HERON: job_id, instead of user_id
    # HERON: the caller has made the row (see views.py); a page can't watch one that is made here.
    progress = SSEProgress.objects.get(job_id=job_id)

    sse = SSEProgressTracker(job_id)
    progress.mark_as_started()
    sse.send_start(total=len(report_ids))

    for idx, report_id in enumerate(report_ids, 1):
        generate_pdf_report(report_id)
        progress.update_progress(processed=1)
        sse.send_progress(idx, len(report_ids))

    progress.mark_as_completed()
    sse.send_complete(len(report_ids))


# The shop's own report code, which the guide leaves to the reader.
def generate_pdf_report(report_id):
    time.sleep(0.2)
