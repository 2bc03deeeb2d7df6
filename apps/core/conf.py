"""Core's settings: the defaults, each overridden by `PROGRESS_<NAME>` in Django's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings


class Conf:
    """Typed defaults; reading an attribute asks Django's settings first."""

    #: A worker owns a job for this long after its last life sign.
    LEASE_SECONDS: float = 10.0
    #: At most one row write and one event per job in this time.
    FLUSH_SECONDS: float = 0.25
    #: A job that brings its worker down this often is not tried again.
    MAX_ATTEMPTS: int = 5
    #: A pending job whose message may be lost is rung again after this time.
    RING_AGAIN_SECONDS: float = 60.0
    #: A plain job (no actor to ring) that nobody started in this time is expired.
    PENDING_EXPIRES_SECONDS: float = 24 * 3600.0
    #: Jobs that are over are deleted after so many days, with their ledger and their files.
    KEEP_DAYS: float = 90.0
    #: Publishing is left out for this time after a failure, so that jobs do not wait for Valkey.
    PUBLISH_PAUSE_SECONDS: float = 2.0
    #: Warnings that ride along with a snapshot.
    SNAPSHOT_WARNINGS: int = 20
    #: Channels one stream may ask for (django-eventstream's own limit).
    STREAM_CHANNELS: int = 10
    #: Streams one user may hold open in one web process.
    STREAMS_PER_USER: int = 20
    #: A stream ends after this time, so that its reader's rights are checked again.
    STREAM_MAX_SECONDS: float = 900.0
    #: Silence on a stream is broken after this time.
    KEEP_ALIVE_SECONDS: float = 20.0
    #: Whether a background thread keeps leases alive and sends what was held back.
    PULSE: bool = True

    def __getattribute__(self, name: str) -> Any:
        default = super().__getattribute__(name)
        return getattr(settings, f"PROGRESS_{name}", default) if name.isupper() else default


conf = Conf()
