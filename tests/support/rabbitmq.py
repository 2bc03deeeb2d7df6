"""A RabbitMQ of the tests' own, where Debian's package rabbitmq-server is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heron.demo import ports
from heron.demo.guard import Guard
from heron.demo.process import Process, stop_all

#: Not the one in /usr/sbin, which insists on the user rabbitmq.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
#: It is slow to start, on a busy machine more so.
READY_WITHIN_S = 90.0


def is_installed() -> bool:
    """Tell whether there is a server to start."""
    return SERVER.exists() and shutil.which("epmd") is not None


@contextmanager
def running_rabbitmq() -> Iterator[str]:
    """Run a RabbitMQ on ports of its own; give its URL."""
    folder = Path(tempfile.mkdtemp(prefix="heron-rabbit-"))
    port, distribution, mapper = (ports.any_free() for _ in range(3))
    plugins = folder / "plugins"
    plugins.write_text("[].")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": ports.HOST,
        "RABBITMQ_NODENAME": f"heron{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": ports.HOST,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
    }
    process = Process(
        "rabbitmq", [str(SERVER)], env=environment, cwd=folder, on_line=lambda *_: None
    )
    guard = Guard(folder)
    guard.watch(process.pid)
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not ports.answers(port):
            if process.status is not None or time.monotonic() > deadline:
                raise RuntimeError(f"RabbitMQ does not start:\n{process.last_words}")
            time.sleep(0.1)
        yield f"amqp://guest:guest@{ports.HOST}:{port}/"
    finally:
        stop_all([process], within_s=10)
        subprocess.run(["epmd", "-port", str(mapper), "-kill"], capture_output=True, check=False)
        guard.dismiss()
        shutil.rmtree(folder, ignore_errors=True)
