"""A ledger of any size, written by the database itself: a million lines take seconds."""

from __future__ import annotations

from datetime import date

from django.db import connection

from apps.reports.models import Ledger, LedgerEntry

SIREN, NAME = "484811245", "Comptoir du Héron"
LINES = 3

#: `net` is a multiple of five cents, so that twenty percent of it are whole ones.
FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {pieces}),
p AS (
    SELECT i, 5 * (200 + (i * 7919) % 20000) AS net, {day} AS day, 'F2026-' || {padded} AS piece,
        'C' || (i % 500) AS code, 'Menuiserie des Trois Rivières n° ' || (i % 500) AS name
    FROM n
),
l(line, account, account_label) AS (
    VALUES (1, '411000', 'Clients'), (2, '706000', 'Prestations de services'),
        (3, '44571200', 'TVA collectée 20 %')
)
INSERT INTO {table} (journal, year, number, line, date, account, account_label, auxiliary,
    auxiliary_label, piece, piece_kind, label, debit, credit, due_date, vat_rate, validated_on,
    letter, lettered_on)
SELECT 'VE', 2026, i, line, day, account, account_label,
    CASE line WHEN 1 THEN code ELSE '' END, CASE line WHEN 1 THEN name ELSE '' END,
    piece, 'invoice', 'Facture ' || piece || ' ' || name,
    CASE line WHEN 1 THEN (net + net / 5) / {hundred} ELSE 0 END,
    CASE line WHEN 1 THEN 0 WHEN 2 THEN net / {hundred} ELSE (net / 5) / {hundred} END,
    CASE line WHEN 1 THEN {due} END, CASE line WHEN 1 THEN NULL ELSE 20 END, day, '', NULL
FROM p CROSS JOIN l ORDER BY i, line
"""

DIALECTS = {
    "sqlite": {
        "day": "date('2026-01-01', '+' || ((i - 1) * 365 / {pieces}) || ' days')",
        "due": "date(day, '+30 days')",
        "padded": "printf('%%07d', i)",
        "hundred": "100.0",
    },
    "postgresql": {
        "day": "DATE '2026-01-01' + ((i - 1)::bigint * 365 / {pieces})::int",
        "due": "day + 30",
        "padded": "lpad(i::text, 7, '0')",
        "hundred": "100::numeric",
    },
}


def fill(pieces: int) -> int:
    """Write so many invoices over the year 2026; return how many lines those are."""
    Ledger(siren=SIREN, name=NAME).save()
    dialect = {
        name: part.format(pieces=pieces) for name, part in DIALECTS[connection.vendor].items()
    }
    sql = FILL.format(table=LedgerEntry._meta.db_table, pieces=pieces, **dialect)
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("%%", "%"))
    return LINES * pieces


def year() -> tuple[date, date]:
    """Give the first and the last day of what `fill` writes."""
    return date(2026, 1, 1), date(2026, 12, 31)
