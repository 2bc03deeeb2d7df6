"""Core's models, one noun a module."""

from __future__ import annotations

from apps.core.models.models_job_item import JobItem, Outcome
from apps.core.models.models_sse_progress import SSEProgress
from apps.core.models.queryset import SSEProgressQuerySet

__all__ = ["JobItem", "Outcome", "SSEProgress", "SSEProgressQuerySet"]
