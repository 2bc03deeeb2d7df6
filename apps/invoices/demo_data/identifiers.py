"""French identifiers with correct check digits."""

from __future__ import annotations

from random import Random


def luhn_digit(body: str) -> str:
    """Compute the digit that makes a number pass the Luhn check."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def make_siren(rng: Random) -> str:
    """Make a SIREN: eight digits and their check digit."""
    body = f"{rng.randrange(30_000_000, 98_000_000)}"
    return body + luhn_digit(body)


def make_siret(siren: str, establishment: int = 1) -> str:
    """Make the SIRET of a company's establishment."""
    body = f"{siren}{establishment:04d}"
    return body + luhn_digit(body)


def vat_number(siren: str) -> str:
    """Compute the French VAT number that belongs to a SIREN."""
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"
