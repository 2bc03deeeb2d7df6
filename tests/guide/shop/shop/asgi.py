"""The ASGI entry point. Under `runserver` (WSGI) no event would ever arrive."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

# The handler is for development; in production the web server has the static files.
application = ASGIStaticFilesHandler(get_asgi_application())
