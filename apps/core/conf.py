"""Core's settings: the defaults, each overridden by `PROGRESS_<NAME>` in Django's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.signals import setting_changed


class Conf:
    """Typed defaults; read once: a worker asks for them at every item."""

    #: A worker owns a job for this long after its last life sign. So long a job stands still when
    #: its worker is killed; much shorter, and a busy machine would take jobs from the living.
    LEASE_SECONDS: float = 3.0
    #: At most one row write and one event per job in this time.
    FLUSH_SECONDS: float = 0.25
    #: A job that brings its worker down this often is not tried again.
    MAX_ATTEMPTS: int = 5
    #: A pending job whose message may be lost is rung again after this time.
    RING_AGAIN_SECONDS: float = 10.0
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
    #: Streams that one web process holds open: for one user, for one address, in all.
    STREAMS_PER_USER: int = 20
    STREAMS_PER_ADDRESS: int = 200
    STREAMS_TOTAL: int = 20_000
    #: Networks whose addresses stand for many people: those of a proxy of ours.
    STREAMS_UNCOUNTED_NETWORKS: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    #: Requests for pages that one web process answers at a time, each with a database connection.
    PAGE_THREADS: int = 16
    #: A page's ticket for its stream is good for this time.
    TICKET_SECONDS: int = 60
    #: The rights of all who read are checked again after this time.
    RECHECK_SECONDS: float = 15.0
    #: Events that Valkey keeps of each channel for those who come back, and for how long.
    EVENTS_KEPT: int = 64
    EVENTS_KEPT_SECONDS: int = 3600
    #: Silence on a stream is broken after this time.
    KEEP_ALIVE_SECONDS: float = 20.0
    #: Whether a background thread keeps leases alive and sends what was held back.
    PULSE: bool = True

    def __init__(self) -> None:
        self.read()

    def read(self) -> None:
        """Take over what Django's settings say."""
        for name in Conf.__annotations__:
            setattr(self, name, getattr(settings, f"PROGRESS_{name}", getattr(Conf, name)))


conf = Conf()


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting.startswith("PROGRESS_"):
        conf.read()


# Tests change settings; nobody else does while a process runs.
setting_changed.connect(_on_setting_changed, dispatch_uid="core.conf")
