"""Articles of a coffee roaster, each with a right GTIN."""

from __future__ import annotations

from random import Random

KINDS = (
    "Café moulu",
    "Café en grains",
    "Dosettes",
    "Décaféiné",
    "Espresso",
    "Thé vert",
    "Chicorée",
)
ORIGINS = ("Éthiopie", "Brésil", "Colombie", "Pérou", "Honduras", "Inde", "Kenya", "maison")
SIZES = ("125 g", "250 g", "500 g", "1 kg")

#: Numbers from here on are for use inside one company (GS1): no real article has them.
RESTRICTED = 200000000000

Article = tuple[str, str, str, str]


def articles(random: Random, count: int = 120) -> list[Article]:
    """Make articles: GTIN, supplier's reference, label, price."""
    made = []
    for number in range(1, count + 1):
        label = f"{random.choice(KINDS)} {random.choice(ORIGINS)} {random.choice(SIZES)}"
        price = f"{random.randint(190, 2490) / 100:.2f}"
        made.append((gtin(RESTRICTED + number), f"CF-{number:04d}", label, price))
    return made


def gtin(number: int) -> str:
    """Add the check digit to twelve digits."""
    body = f"{number:012d}"
    total = sum(int(each) * (3, 1)[i % 2] for i, each in enumerate(reversed(body)))
    return f"{body}{(10 - total % 10) % 10}"
