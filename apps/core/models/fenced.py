"""A worker's write to its job's row: one guarded UPDATE, compiled once and then only filled in.

Django has no RETURNING for updates; both databases do (SQLite since 3.35), which saves a read per
write. Compiling the same statement anew for each item would cost more than running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connections, models
from django.db.models import F
from django.db.models.functions import Now
from django.db.models.sql import UpdateQuery

from apps.core.conf import conf
from apps.core.statuses import LEASED, Status

if TYPE_CHECKING:
    from apps.core.models.models_sse_progress import SSEProgress

#: Stand in for the job and the attempt while the statement is compiled.
ANY_JOB = "\0job"
ANY_EPOCH = 2_147_483_646


def write(
    rows: models.QuerySet[SSEProgress],
    job_id: str,
    epoch: int,
    values: Mapping[str, Any],
    *,
    renew: bool,
) -> tuple[Status, int] | None:
    """Write `values`, and renew the lease if asked; answer with the job's status and seq.

    None means that the lease is lost: nothing was written.
    """
    connection = connections[rows.db]
    fields = tuple(sorted(values))
    lease_seconds = float(conf.LEASE_SECONDS) if renew else None
    sql, rest = _statement(rows.model, rows.db, fields, lease_seconds)
    get_field = rows.model._meta.get_field
    params: list[Any] = [
        get_field(name).get_db_prep_save(values[name], connection)  # type: ignore[union-attr]
        for name in fields
    ]
    given = {ANY_JOB: job_id, ANY_EPOCH: epoch}
    params += [given.get(param, param) for param in rest]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return None if row is None else (Status(row[0]), int(row[1]))


@lru_cache(maxsize=256)
def _statement(
    model: type[SSEProgress], alias: str, fields: tuple[str, ...], lease_seconds: float | None
) -> tuple[str, tuple[Any, ...]]:
    """Compile the statement; give it with the parameters that follow those of `fields`."""
    from apps.core.models.queryset import lease_end

    connection = connections[alias]
    guarded = model.objects.using(alias).filter(
        job_id=ANY_JOB, epoch=ANY_EPOCH, status__in=sorted(LEASED)
    )
    query = guarded.query.chain(UpdateQuery)
    always = {"seq": F("seq") + 1, "updated_at": Now()}
    if lease_seconds is not None:
        # Left out when it can be: the lease is in an index, which makes an update dearer.
        always["lease_until"] = lease_end()
    query.add_update_values(always)  # type: ignore[attr-defined]  # missing in the stubs
    sql, params = query.get_compiler(alias).as_sql()
    quote = connection.ops.quote_name
    columns = [str(model._meta.get_field(name).column) for name in fields]  # type: ignore[union-attr]
    ours = "".join(f"{quote(column)} = %s, " for column in columns)
    returned = ", ".join(quote(name) for name in ("status", "seq"))
    sql = sql.replace(" SET ", f" SET {ours}", 1)
    return f"{sql} RETURNING {returned}", tuple(params)
