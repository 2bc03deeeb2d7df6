"""Receive a file: keep its bytes, and start the job that imports it."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files import File
from django.db import transaction

from apps.core.texts import storable
from apps.edi.errors import TooLargeError
from apps.edi.models import EdiFile
from apps.edi.reader import chunks_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

#: The largest file that is taken, unless `EDI_MAX_BYTES` says otherwise.
MAX_BYTES = 200 * 1024 * 1024


def max_bytes() -> int:
    """Give the size up to which files are taken."""
    return int(getattr(settings, "EDI_MAX_BYTES", MAX_BYTES))


def receive(
    content: File[bytes] | BinaryIO,
    name: str,
    user: AbstractBaseUser | None,
    *,
    pickup: UUID | None = None,
) -> EdiFile:
    """Store a file and start its import: both, or neither.

    Args:
        content: The bytes, from wherever they stand.
        name: What the sender calls the file; never used as a path.
        user: Who may see it; None is the watched folder, whose files are the staff's.
        pickup: The name of this delivery, which is received once only.

    Raises:
        TooLargeError: the file is larger than is taken.
        IntegrityError: the pick-up has been received already.
    """
    from apps.edi.actors import import_file

    stored = content if isinstance(content, File) else File(content)
    digest, size = _measure(stored, name)
    stored.seek(0)
    file = EdiFile(
        name=_shown(name),
        sha256=digest,
        size=size,
        pickup=pickup,
        uploaded_by_id=user.pk if user is not None else None,
    )
    file.content.save("content", stored, save=False)
    try:
        with transaction.atomic():
            file.save()
            file.job = import_file.start_for(user, file_id=file.pk)
            file.save(update_fields=["job"])
    except BaseException:
        file.content.delete(save=False)
        raise
    return file


def _measure(content: File[bytes], name: str) -> tuple[str, int]:
    digest, size, limit = hashlib.sha256(), 0, max_bytes()
    for chunk in _chunks(content):
        digest.update(chunk)
        size += len(chunk)
        if size > limit:
            raise TooLargeError(name, max(size, content.size or 0), limit)
    return digest.hexdigest(), size


def _chunks(content: File[bytes]) -> Iterator[bytes]:
    content.seek(0)
    return chunks_of(content)  # type: ignore[arg-type]


def _shown(name: str) -> str:
    plain = PurePosixPath(name.replace("\\", "/")).name or "?"
    clean: str = storable("".join(each for each in plain if each.isprintable()))
    return clean[:200] or "?"
