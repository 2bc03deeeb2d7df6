"""nginx's C module nchan, where Debian's nginx and its module are installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/share/nginx/modules"))
TEMP_PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
CONFIGURATION = """
load_module {module};
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 16000;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 15000; }}
http {{
    access_log off;
    nchan_shared_memory_size 256m;
    {temp_paths}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        keepalive_requests 1000000;
        keepalive_timeout 3600s;
        location = /sub {{
            nchan_subscriber eventsource;
            nchan_channel_id $arg_channel;
            nchan_subscriber_first_message newest;
            nchan_eventsource_ping_interval 20;
        }}
        location = /pub {{
            nchan_publisher;
            nchan_channel_id $arg_channel;
            nchan_message_buffer_length 10;
            nchan_message_timeout 10s;
        }}
    }}
}}
"""


def module() -> Path | None:
    """Find the module; None where it, or nginx itself, is not installed."""
    if not shutil.which("nginx", path=SEARCH_PATH):
        return None
    paths = (folder / "ngx_nchan_module.so" for folder in MODULES)
    return next((path for path in paths if path.exists()), None)


def command(folder: Path, port: int) -> list[str]:
    """Write a configuration into the folder; return the command line that uses it."""
    temp_paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in TEMP_PATHS)
    text = CONFIGURATION.format(
        module=module(),
        user="user root;" if os.geteuid() == 0 else "",
        folder=folder,
        temp_paths=temp_paths,
        port=port,
    )
    path = folder / "nginx.conf"
    path.write_text(text)
    nginx = shutil.which("nginx", path=SEARCH_PATH)
    assert nginx is not None
    return [nginx, "-p", str(folder), "-c", str(path), "-e", "stderr"]


SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
