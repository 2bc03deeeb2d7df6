"""Keep faults, and other texts of files, as rows can."""

from __future__ import annotations

from collections.abc import Iterable

from apps.core.texts import storable
from apps.edi import policy
from apps.edi.models import EdiFault, EdiFile, EdiMessage, Interchange
from apps.edi.reader import Fault


def write_faults(
    faults: Iterable[Fault],
    file: EdiFile,
    interchange: Interchange | None = None,
    message: EdiMessage | None = None,
    *,
    tolerant: bool = False,
) -> None:
    """Keep faults."""
    EdiFault.objects.bulk_create(
        fault_row(fault, file, interchange, message, tolerant=tolerant) for fault in faults
    )


def fault_row(
    fault: Fault,
    file: EdiFile,
    interchange: Interchange | None,
    message: EdiMessage | None,
    *,
    tolerant: bool,
) -> EdiFault:
    """Make the row of a fault."""
    return EdiFault(
        file=file,
        interchange=interchange,
        message=message,
        kind=str(fault.kind),
        level=str(fault.level),
        code=fault.code,
        segment=fault.segment,
        offset=fault.offset,
        tag=kept(fault.tag),
        element=fault.element,
        component=fault.component,
        params=storable(fault.params),
        is_warning=policy.passes(fault.kind, fault.level, tolerant=tolerant),
    )


def kept(text: str, length: int = 80) -> str:
    """Cut a text to what a column keeps."""
    clean: str = storable(text)
    return clean[:length]
