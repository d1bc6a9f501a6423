"""The site's settings for tests.

Loaded before anything else, so that no test can write to the data of a site that runs in this folder, or reads its
`.env`. Each process of a parallel run has a data folder and a Redis database of its own.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

os.environ["ENV_FILE"] = ""  # for every process of a test too: `.env` is a developer's own
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")  # "gw0", "gw1", ... in a parallel run
if not _worker:
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="site-tests-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
#: For what all processes of a run share.
RUN_DIR = Path(os.environ["DATA_DIR"])
if _worker:
    os.environ["DATA_DIR"] += f"/{_worker}"
    if os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = re.sub(r"/\d*$", "", os.environ["REDIS_URL"]) + f"/{1 + int(_worker[2:])}"

from openrouter_site.settings import *  # noqa: E402, F403

# Real hashing is slow on purpose; hundreds of tests make users.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# On a busy machine a request may wait long for the database. A test of the refusal shortens the time itself.
_database = DATABASES["default"]  # noqa: F405
if pool := _database["OPTIONS"].get("pool"):
    pool["timeout"] = 60.0
elif "sqlite3" in _database["ENGINE"]:
    _database["OPTIONS"]["timeout"] = 120
