"""django-dramatiq with its AdminMiddleware: a row for each message."""
