"""What the jobs work on, and what they leave behind in the database."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Item(models.Model):
    """Something to be done once."""

    objects: ClassVar[models.Manager[Item]] = models.Manager()

    def __str__(self) -> str:
        """Return its number."""
        return str(self.pk)


class Effect(models.Model):
    """Something that was done. Nothing but the job keeps it from being there twice."""

    objects: ClassVar[models.Manager[Effect]] = models.Manager()

    job = models.CharField(max_length=64)
    item = models.CharField(max_length=20)

    def __str__(self) -> str:
        """Return what was done for whom."""
        return f"{self.job} {self.item}"
