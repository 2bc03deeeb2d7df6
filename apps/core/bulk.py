"""Many rows at once, where Django's own way takes minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import connections, models, router
from django.db.models.constants import OnConflict

#: Keys asked for in one statement.
KEYS = 500


def insert(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    ignore_conflicts: bool = False,
) -> None:
    """Insert rows whose values are in the order of `names`, all of the columns without a default.

    For those whose objects nobody needs. Values go to the database as they are: amounts as text,
    times as `adapt` gives them.
    """
    fields = [_field(model, name) for name in names]
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(names))
    table = quote(model._meta.db_table)
    conflict = OnConflict.IGNORE if ignore_conflicts else None
    verb = connection.ops.insert_statement(on_conflict=conflict)
    suffix = connection.ops.on_conflict_suffix_sql(fields, conflict, names, names)
    # The names are the model's own.
    sql = f"{verb} {table} ({columns}) VALUES ({marks}) {suffix}"
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)  # type: ignore[arg-type]  # any iterable will do


def create(objects: Sequence[Any], *, by: str) -> None:
    """Insert objects of one model and give them their keys, found again by their unique field `by`.

    What `bulk_create` does, in half the time: it writes every value's placeholder out.
    """
    if not objects:
        return
    model: type[models.Model] = type(objects[0])
    connection = connections[router.db_for_write(model)]
    columns = [field for field in model._meta.concrete_fields if not field.primary_key]

    def row(each: models.Model) -> tuple[Any, ...]:
        values = (column.pre_save(each, add=True) for column in columns)
        return tuple(
            column.get_db_prep_save(value, connection)
            for column, value in zip(columns, values, strict=True)
        )

    insert(model, [field.name for field in columns], map(row, objects))
    keys: dict[Any, Any] = {}
    for start in range(0, len(objects), KEYS):
        names = [getattr(each, by) for each in objects[start : start + KEYS]]
        keys |= dict(model._base_manager.filter(**{f"{by}__in": names}).values_list(by, "pk"))
    for each in objects:
        each.pk = keys[getattr(each, by)]
        each._state.adding, each._state.db = False, connection.alias


def adapt(model: type[models.Model], name: str, value: Any) -> Any:
    """Give a value as the database wants it."""
    connection = connections[router.db_for_write(model)]
    return _field(model, name).get_db_prep_save(value, connection)


def adapters(model: type[models.Model], *names: str) -> list[Callable[[Any], Any]]:
    """Give what `adapt` does for each of the fields, to be used many times at once."""
    connection = connections[router.db_for_write(model)]
    return [partial(_field(model, name).get_db_prep_save, connection=connection) for name in names]


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.name == name)
