"""UPDATEs that answer with the row as they have left it, compiled once and then only filled in.

Django has no RETURNING for updates; both databases do (SQLite since 3.35), which saves a read per
write. Compiling the same statement anew for each item would cost more than running it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import UpdateQuery

M = TypeVar("M", bound=models.Model)

#: Stand in for the job and the attempt while a statement is compiled.
ANY_JOB = "\0job"
ANY_EPOCH = 2_147_483_646
#: JSON with nothing in it.
EMPTY = "{}"
#: More than the product has; the rest is compiled each time.
SHAPES = 512


@dataclass(frozen=True)
class Statement:
    """SQL, the fields whose plain values come first in its parameters, and what follows them.

    The parameters are named: Django rewrites the others for SQLite with a regular expression each
    time, which takes as long as a third of the statement.
    """

    sql: str
    names: tuple[str, ...]
    fields: tuple[Any, ...]
    rest: tuple[Any, ...]


#: Gives the guarded rows, and the expressions that they are always set to.
Build = Callable[[], tuple[models.QuerySet[Any], Mapping[str, Any]]]

#: Where a connection keeps its cursor, with the database's own connection that it belongs to.
_KEPT = "_heron_cursor"

_statements: dict[Hashable, Statement] = {}


def execute(
    rows: models.QuerySet[M],
    shape: Hashable,
    build: Build,
    *,
    values: Mapping[str, Any],
    given: Mapping[Any, Any],
    returned: tuple[str, ...],
) -> tuple[Any, ...] | None:
    """Update at most one row; give the columns `returned` as the database writes them.

    Args:
        rows: Says which table of which database.
        shape: What tells this statement from others, besides the names in `values`; None for one
            that is not worth keeping.
        build: Called when there is no such statement yet.
        values: Plain values to set.
        given: What takes the place of ANY_JOB and ANY_EPOCH.
        returned: Names of columns.

    Returns:
        None when the guard let no row through: nothing was written.
    """
    alias = rows.db
    key = (shape, alias, *values)
    statement = _statements.get(key) if shape is not None else None
    if statement is None:
        statement = _compile(rows, build, values, returned)
        if shape is not None and len(_statements) < SHAPES:
            _statements[key] = statement
    connection = connections[alias]
    params = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(statement.fields, values.values(), strict=True)
    ]
    params += [
        given.get(param, param) if isinstance(param, str | int) else param
        for param in statement.rest
    ]
    cursor = _cursor(connection)
    cursor.execute(statement.sql, dict(zip(statement.names, params, strict=True)))
    # To the end: only then has SQLite committed, or said that it can't.
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found[0] if found else None


def _cursor(connection: Any) -> Any:
    """Give a cursor of this connection, the same one for as long as that is open.

    To make one and close it takes a tenth of the time of a statement.
    """
    if connection.connection is None or connection.queries_logged:
        return connection.cursor()
    of, cursor = getattr(connection, _KEPT, (None, None))
    if of is not connection.connection:
        cursor = connection.cursor()
        setattr(connection, _KEPT, (connection.connection, cursor))
    return cursor


def execute_for_row(
    rows: models.QuerySet[M], shape: Hashable, build: Build, **how: Any
) -> M | None:
    """Update at most one row; give it as it is then, or None as `execute` does."""
    columns = _columns(rows.model, rows.db)
    found = execute(rows, shape, build, returned=columns.names, **how)
    if found is None:
        return None
    return rows.model.from_db(rows.db, columns.attnames, columns.read(found))


def execute_into(
    instance: models.Model,
    rows: models.QuerySet[Any],
    shape: Hashable,
    build: Build,
    *,
    values: Mapping[str, Any],
    changed: tuple[str, ...],
    **how: Any,
) -> bool:
    """Update at most one row, and `instance` likewise; False as None of `execute`.

    Cheaper than reading the row back. `changed` names the fields that the statement sets by
    expressions; nobody else may have changed any others since `instance` was read.
    """
    columns = _columns(rows.model, rows.db, changed)
    found = execute(rows, shape, build, values=values, returned=columns.names, **how)
    if found is None:
        return False
    for name, value in values.items():
        setattr(instance, name, value)
    for name, value in zip(columns.attnames, columns.read(found), strict=True):
        setattr(instance, name, value)
    return True


def _compile(
    rows: models.QuerySet[M], build: Build, names: Iterable[str], returned: Sequence[str]
) -> Statement:
    guarded, always = build()
    query = guarded.query.chain(UpdateQuery)
    query.add_update_values(dict(always))  # type: ignore[attr-defined]  # missing in the stubs
    sql, params = query.get_compiler(rows.db).as_sql()
    quote = connections[rows.db].ops.quote_name
    fields: tuple[Any, ...] = tuple(rows.model._meta.get_field(name) for name in names)
    plain = "".join(f"{quote(field.column)} = %s, " for field in fields)
    first, *others = sql.replace(" SET ", f" SET {plain}", 1).split("%s")
    places = tuple(f"p{number}" for number in range(len(others)))
    sql = first + "".join(f"%({place})s{part}" for place, part in zip(places, others, strict=True))
    returning = ", ".join(map(quote, returned))
    return Statement(f"{sql} RETURNING {returning}", places, fields, tuple(params))


class _Columns:
    """Some of a table's columns, and how they are read."""

    def __init__(self, fields: Sequence[Any], table: str, connection: BaseDatabaseWrapper) -> None:
        self.attnames = [field.attname for field in fields]
        self.names = tuple(str(field.column) for field in fields)
        self._connection = connection
        self._converters: list[tuple[int, Any, list[Any]]] = []
        for place, field in enumerate(fields):
            column = field.get_col(table)
            converters = [
                *connection.ops.get_db_converters(column),
                *column.get_db_converters(connection),
            ]
            if converters == [getattr(connection.ops, "convert_datetimefield_value", None)]:
                converters = [_time_of]
            if converters:
                self._converters.append((place, column, converters))

    def read(self, found: tuple[Any, ...]) -> list[Any]:
        """Turn what the database gave into what the model's fields hold."""
        values = list(found)
        for place, column, converters in self._converters:
            if values[place] == EMPTY and isinstance(column.target, models.JSONField):
                values[place] = {}  # most of them, most of the time: no parser is needed for it
                continue
            for convert in converters:
                values[place] = convert(values[place], column, self._connection)
        return values


def _time_of(value: str | datetime | None, _column: Any, connection: Any) -> datetime | None:
    """Read a time as Django does where times are text, in a tenth of the time."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=connection.timezone) if moment.tzinfo is None else moment


_of_this_thread = threading.local()


def _columns(model: type[models.Model], alias: str, names: tuple[str, ...] = ()) -> _Columns:
    """Find a table's columns, all or those named.

    Each thread has its own, as it has its own connection.
    """
    known: dict[Any, _Columns] = _of_this_thread.__dict__
    found = known.get((model, alias, names))
    if found is None:
        meta = model._meta
        fields = [meta.get_field(name) for name in names] or meta.concrete_fields
        found = _Columns(fields, meta.db_table, connections[alias])
        known[model, alias, names] = found
    return found
