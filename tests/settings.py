"""The product's settings for the tests: a var directory of their own and no server needed."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

TEST_VAR_DIR = Path(tempfile.mkdtemp(prefix="heron-test-"))
atexit.register(shutil.rmtree, TEST_VAR_DIR, ignore_errors=True)

os.environ["HERON_VAR_DIR"] = str(TEST_VAR_DIR)
os.environ["SECRET_KEY"] = "only-for-tests-" + "0" * 50
os.environ["DRAMATIQ_STUB"] = "1"
os.environ["DEBUG"] = "0"
for name in ("REDIS_URL", "EMAIL_HOST", "EMAIL_PORT", "HERON_MAILBOX_DIR", "HTTPS"):
    os.environ.pop(name, None)
# The tests on PostgreSQL name their database here; anybody else's must not be touched.
os.environ.pop("DATABASE_URL", None)
if url := os.environ.get("HERON_TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = url

from heron.settings import *  # noqa: E402, F403 (the environment has to be set first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Unit tests see their own transaction only; a thread beside them would see nothing of it.
PROGRESS_PULSE = False
