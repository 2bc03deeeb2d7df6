"""What `startproject` writes, and below it all that the guide asks for."""

import os
from pathlib import Path
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "a-shop-for-tests-only-" + "0" * 40
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_eventstream",  # the guide, 1.2
    "apps.core",
    "workers",  # before the applications that declare actors
    "apps.invoices",  # the shop's own, not Heron's
    "apps.edi",
    "apps.reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_grip.GripMiddleware",  # the guide, 1.3
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop.urls"
ASGI_APPLICATION = "shop.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"},
}

LANGUAGE_CODE = "fr"
TIME_ZONE = "Europe/Paris"
USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What Heron needs to know: where the queue is, where events go, and who may read them.
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
EVENTSTREAM_REDIS = {"host": "127.0.0.1", "port": 6379, "db": 0}
EVENTSTREAM_CHANNELMANAGER_CLASS = "apps.core.live.channels.ProgressChannelManager"
EVENTSTREAM_STORAGE_CLASS = "apps.core.live.storage.ValkeyStorage"

# Only for the tests: their Valkey listens on a Unix socket, and they don't wait ten seconds to
# hear that a worker is dead.
if REDIS_URL.startswith("unix:"):
    EVENTSTREAM_REDIS = {"unix_socket_path": urlsplit(REDIS_URL).path}
if "PROGRESS_LEASE_SECONDS" in os.environ:
    PROGRESS_LEASE_SECONDS = float(os.environ["PROGRESS_LEASE_SECONDS"])
