"""A small project as django-dramatiq's documentation describes it, on Heron's database settings."""

from __future__ import annotations

import os

from heron.settings import DATABASES  # noqa: F401

SECRET_KEY = "only-for-benchmarks"
INSTALLED_APPS = ["django_dramatiq", "tests.bench.peers.admin"]
USE_TZ = True
DRAMATIQ_BROKER = {
    "BROKER": "dramatiq.brokers.redis.RedisBroker",
    "OPTIONS": {"url": os.environ["BENCH_BROKER"]},
    "MIDDLEWARE": [
        "dramatiq.middleware.AgeLimit",
        "dramatiq.middleware.TimeLimit",
        "dramatiq.middleware.Callbacks",
        "dramatiq.middleware.Retries",
        "django_dramatiq.middleware.DbConnectionsMiddleware",
        "django_dramatiq.middleware.AdminMiddleware",
    ],
}
