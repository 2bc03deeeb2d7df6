"""Heron's settings: one file; what differs between machines comes from the environment."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
# FileAwareEnv also reads NAME_FILE, so that a secret can come from a mounted file.
env = environ.FileAwareEnv()

VAR_DIR = Path(env.str("HERON_VAR_DIR", default=str(BASE_DIR / "var")))
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and DEBUG:
    SECRET_KEY = "only-for-development-" + "0" * 40
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_eventstream",
    "apps.core",
    "apps.invoices",
    "apps.edi",
    "apps.reports",
    "heron.ledger",
    "workers",
]

# No GZipMiddleware: it would hold back the event stream.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "heron.urls"
ASGI_APPLICATION = "heron.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "heron" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "heron.context.frame",
            ],
        },
    },
]

# Not written as a URL by default: a folder's name may hold characters that mean something there.
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "heron.sqlite3"}
DATABASES = {
    "default": env.db_url("DATABASE_URL") if env.str("DATABASE_URL", default="") else SQLITE,
}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE_SECONDS", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # One writer at a time, who waits its turn instead of failing half-way through a transaction.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
# Messages may go through RabbitMQ instead: amqp://… Events are in Valkey in any case.
BROKER_URL = env.str("BROKER_URL", default="")


def _eventstream_redis(url: str) -> dict[str, object]:
    """Turn a Redis URL into the keyword arguments that django-eventstream hands to `Redis()`.

    The time-outs keep a publisher from waiting for a server that is away or hung.
    """
    parts = urlsplit(url)
    common: dict[str, object] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    if parts.username:
        common["username"] = parts.username
    if parts.password:
        common["password"] = parts.password
    if parts.scheme == "unix":
        return {**common, "unix_socket_path": parts.path}
    database = int(parts.path.strip("/") or 0)
    if parts.scheme == "rediss":
        common["ssl"] = True
    return {
        **common,
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 6379,
        "db": database,
    }


EVENTSTREAM_REDIS = _eventstream_redis(REDIS_URL)
EVENTSTREAM_CHANNELMANAGER_CLASS = "apps.core.live.channels.ProgressChannelManager"
EVENTSTREAM_STORAGE_CLASS = "apps.core.live.storage.ValkeyStorage"
PROGRESS_PAGE_THREADS = env.int("PAGE_THREADS", default=16)
PROGRESS_STREAMS_PER_USER = env.int("STREAMS_PER_USER", default=20)
PROGRESS_STREAMS_PER_ADDRESS = env.int("STREAMS_PER_ADDRESS", default=200)
PROGRESS_STREAMS_TOTAL = env.int("STREAMS_TOTAL", default=20_000)

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
TIME_ZONE = "Europe/Paris"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
LOCALE_PATHS = [BASE_DIR / "heron" / "locale"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "heron" / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
MEDIA_ROOT = VAR_DIR / "media"
# Files of reports: nothing that a web server may serve by itself.
HERON_REPORTS_DIR = VAR_DIR / "reports"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

EMAIL_HOST = env.str("EMAIL_HOST", default="127.0.0.1")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_SECONDS", default=30)
# What the mail account's provider allows, over all workers; 0 for no limit.
HERON_MAILS_PER_MINUTE = env.int("HERON_MAILS_PER_MINUTE", default=0)
HERON_MAILS_PER_DAY = env.int("HERON_MAILS_PER_DAY", default=0)
# Seconds until an e-mail that the server puts off is tried again: as many tries as there are waits,
# and then it has failed.
HERON_MAIL_RETRY_SECONDS = env.list(
    "HERON_MAIL_RETRY_SECONDS", cast=float, default=[60.0, 300.0, 900.0, 3600.0]
)
# Every invoice's PDF as it was made the first time: to be backed up together with the database.
HERON_INVOICES_DIR = Path(env.str("HERON_INVOICES_DIR", default=str(VAR_DIR / "invoices")))
# Maildir of the development SMTP sink; empty in production, where there is no mailbox page.
HERON_MAILBOX_DIR = env.str("HERON_MAILBOX_DIR", default="")
# Mailings of more e-mails than this are shared out among the workers, in parts of half as many.
HERON_FAN_OUT_ABOVE = env.int("HERON_FAN_OUT_ABOVE", default=1000)
# Larger EDI files are not taken; the web server in front has a limit of its own.
EDI_MAX_BYTES = env.int("EDI_MAX_BYTES", default=200 * 1024 * 1024)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=3600)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"job": {"()": "apps.core.logs.JobFilter"}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            # With the offset: gunicorn's master logs in UTC, Django's processes in TIME_ZONE.
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["job"], "formatter": "json"},
    },
    # It would tell of each tick, every two seconds.
    "loggers": {"apscheduler": {"level": "WARNING"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
