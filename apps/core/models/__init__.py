"""Core's models, one noun a module."""

from __future__ import annotations

from apps.core.models.models_job_item import Decision, JobItem, Outcome
from apps.core.models.models_lease import Lease
from apps.core.models.models_sse_progress import SSEProgress
from apps.core.models.queryset import SSEProgressQuerySet

__all__ = ["Decision", "JobItem", "Lease", "Outcome", "SSEProgress", "SSEProgressQuerySet"]
