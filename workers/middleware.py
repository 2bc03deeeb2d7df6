"""What happens around each message: database connections, and the job it is about."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

import dramatiq
from django.db import close_old_connections, connections
from dramatiq.broker import MessageProxy
from dramatiq.middleware import Middleware
from dramatiq.worker import QUEUE_PREFETCH, Worker

from apps.core.current import current_job_id
from apps.core.handoff import JOB_OPTION, ring
from apps.core.live import publisher as publishing
from apps.core.logs import job_context
from apps.core.models import SSEProgress
from apps.core.pulse import lives_of_this_thread
from apps.core.shutdown import stopping
from apps.core.statuses import TERMINAL, Status

logger = logging.getLogger(__name__)


class DatabaseConnections(Middleware):
    """Gives each message a connection that works, and closes them when the worker stops."""

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """Drop connections that are broken or too old."""
        close_old_connections()

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Drop connections that are broken or too old."""
        close_old_connections()

    def after_skip_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """Drop connections that are broken or too old."""
        close_old_connections()

    def before_consumer_thread_shutdown(self, broker: dramatiq.Broker, thread: Any) -> None:
        """Close this thread's connections."""
        connections.close_all()

    def before_worker_thread_shutdown(self, broker: dramatiq.Broker, thread: Any) -> None:
        """Close this thread's connections."""
        connections.close_all()


class QueueShares(Middleware):
    """Divides a worker's threads among its queues, so that no queue waits for another's long jobs.

    Dramatiq fetches twice as many messages as there are threads, for each queue: a short job then
    waits in the process behind long ones, though another process may be idle. Here nothing is
    fetched that can't start at once. A worker for one queue (`--queues mail`) gives it all threads.
    """

    def before_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Set how many messages of one queue the worker holds; `dramatiq_queue_prefetch` wins."""
        if QUEUE_PREFETCH:
            return
        queues = queues_of(broker, worker)
        if len(queues) > worker.worker_threads:
            logger.warning(
                "%s queues share %s threads: a job may wait for another queue's; use more threads, "
                "or a worker for each kind of job",
                len(queues),
                worker.worker_threads,
            )
        worker.queue_prefetch = share_of_threads(worker.worker_threads, len(queues))


def queues_of(broker: dramatiq.Broker, worker: Worker) -> set[str]:
    """Name the queues whose messages a worker's threads run."""
    queues = broker.get_declared_queues() - broker.delay_queues
    return queues & worker.consumer_whitelist if worker.consumer_whitelist else queues


def share_of_threads(threads: int, queues: int) -> int:
    """Give the number of threads that each queue may occupy."""
    return max(1, threads // max(1, queues))


class ProgressMiddleware(Middleware):
    """Tells an actor which job its message is about, and catches what plain actors leave behind.

    A progress actor persists and publishes by itself, inside its call. This is the net below it:
    hooks may run late, or not at all, and Dramatiq logs their errors and goes on.
    """

    _context: ContextVar[AbstractContextManager[None] | None] = ContextVar(
        "heron_job_log_context", default=None
    )

    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """Set the current job."""
        job_id = message.options.get(JOB_OPTION)
        current_job_id.set(job_id)
        context = job_context(job_id)
        context.__enter__()
        self._context.set(context)

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Fail the plain jobs that the message's actor leaves open when it ends in an error.

        An actor that returns without a word has its jobs expired by the scheduler, unless it has
        handed them to a thread of its own, which vouches for them.
        """
        lives = lives_of_this_thread()
        for job_id, life in list(lives.items()):
            life.end()
            del lives[job_id]
            if exception is not None and message.failed:
                self._fail(job_id, exception)
        if stopping.is_set():
            self._ring_for_handed_back(message)
        self._leave()

    def after_skip_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        """Forget the current job; CurrentMessage does not."""
        self._leave()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:
        """Let running jobs hand themselves back at their next item."""
        stopping.set()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:
        """Send the last events: Dramatiq ends its processes without asking anybody."""
        publishing.publisher.flush(publishing.LAST_WORDS_SECONDS)

    def _leave(self) -> None:
        current_job_id.set(None)
        context = self._context.get()
        if context is not None:
            context.__exit__(None, None, None)
            self._context.set(None)

    @staticmethod
    def _ring_for_handed_back(message: MessageProxy) -> None:
        """Let another worker go on at once; this one fetches no more (see workers/broker.py)."""
        handed_back = SSEProgress.objects.filter(
            job_id=message.options.get(JOB_OPTION),
            status=Status.PENDING,
            enqueued_at=None,
            not_before=None,
        ).first()
        if handed_back is not None:
            ring(handed_back)

    @staticmethod
    def _fail(job_id: str, exception: BaseException) -> None:
        job = SSEProgress.objects.filter(job_id=job_id).exclude(status__in=TERMINAL).first()
        if job is not None:
            logger.warning("the actor of job %s ended in an error", job_id)
            job.mark_as_failed(str(exception) or type(exception).__name__)
