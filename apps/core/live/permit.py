"""What the view tells whoever holds the stream: who reads what, from where on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from apps.core.live.rights import Pass

#: Under this key the wrapper puts a Holding into the request's scope.
PERMIT = "apps.core.live.permit"


class Permit(NamedTuple):
    """Leave to open a stream."""

    pass_: Pass
    resume: Mapping[str, int | None]
    headers: list[tuple[bytes, bytes]]
    is_checked: bool


class Holding:
    """Where the view leaves its permission; empty when it gave none."""

    __slots__ = ("pass_", "resume")

    def __init__(self) -> None:
        self.pass_: Pass | None = None
        self.resume: Mapping[str, int | None] = {}
