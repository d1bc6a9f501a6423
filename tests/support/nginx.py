"""The example of nginx in `deploy/`, on a free port, without TLS, in front of any processes."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from scripts.environment import ROOT

__all__ = ["NGINX", "command"]

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_UPSTREAM = re.compile(r"(?:    server 127\.0\.0\.1:\d+ max_fails=0;\n)+")


def command(folder: Path, address: str, ports: Sequence[int]) -> str:
    """Write its configuration into a new folder; return the command that runs it in the foreground."""
    text = (ROOT / "deploy/nginx.conf").read_text()
    text = text[: text.index("server {\n    listen 80;")]  # the redirect to https
    text = re.sub(r"\n    ssl_\w+ +[^\n]+", "", text).replace("listen 443 ssl http2;", f"listen {address};")
    text, found = _UPSTREAM.subn("".join(f"    server 127.0.0.1:{port} max_fails=0;\n" for port in ports), text)
    assert found == 1
    folder.mkdir()
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    Path(folder, "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary} {text} }}\n"
    )
    user = "-g 'user root;'" if os.geteuid() == 0 else ""
    return f"exec {NGINX} -p {folder} -c {folder}/nginx.conf {user}"
