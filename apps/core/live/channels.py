"""Channels: their names, and who may read them. Nobody may, unless a rule here says so."""

from __future__ import annotations

from collections.abc import Mapping, Set

from django.contrib.auth.base_user import AbstractBaseUser
from django_eventstream.channelmanager import DefaultChannelManager

from apps.core.models import SSEProgress

JOB_PREFIX = "progress-"
USER_PREFIX = "jobs-"
#: Jobs asked for in one query.
JOBS_AT_ONCE = 500


def job_channel(job_id: str) -> str:
    """Name the channel of one job."""
    return f"{JOB_PREFIX}{job_id}"


def user_channel(user_id: object) -> str:
    """Name the channel of all of a user's jobs."""
    return f"{USER_PREFIX}{user_id}"


def channels_of(job: SSEProgress) -> list[str]:
    """Name every channel that tells about `job`; a part of one is in nobody's list."""
    channels = [job_channel(job.job_id)]
    if job.user_id is not None and job.parent_id is None:
        channels.append(user_channel(job.user_id))
    return channels


class ProgressChannelManager(DefaultChannelManager):  # type: ignore[misc]  # untyped library
    """django-eventstream's permission hook; its default lets anyone read anything."""

    def can_read_channel(self, user: AbstractBaseUser | None, channel: str) -> bool:
        """Allow a job's owner and staff, and each user their own list of jobs."""
        if user is None or not user.is_authenticated or not user.is_active:
            return False
        if channel.startswith(JOB_PREFIX):
            job_id = channel.removeprefix(JOB_PREFIX)
            return SSEProgress.objects.visible_to(user).filter(job_id=job_id).exists()
        return channel == user_channel(user.pk)

    def readable(
        self, asked: Mapping[AbstractBaseUser, Set[str]]
    ) -> dict[AbstractBaseUser, set[str]]:
        """Answer `can_read_channel` for many at once, with a query for hundreds of jobs."""
        every = set[str]().union(*asked.values())
        job_ids = sorted(c.removeprefix(JOB_PREFIX) for c in every if c.startswith(JOB_PREFIX))
        owners: dict[str, object] = {}
        for start in range(0, len(job_ids), JOBS_AT_ONCE):
            found = SSEProgress.objects.filter(job_id__in=job_ids[start : start + JOBS_AT_ONCE])
            for job_id, owner in found.values_list("job_id", "user_id"):
                owners[job_channel(job_id)] = owner
        return {user: _readable(user, channels, owners) for user, channels in asked.items()}

    def is_channel_reliable(self, channel: str) -> bool:
        """Have every event stored, and so published to our readers."""
        return True


def _readable(user: AbstractBaseUser, channels: Set[str], owners: dict[str, object]) -> set[str]:
    if not user.is_active:
        return set()
    sees_all, own = getattr(user, "is_staff", False), user_channel(user.pk)
    return {
        channel
        for channel in channels
        if channel == own or (channel in owners and (sees_all or owners[channel] == user.pk))
    }
