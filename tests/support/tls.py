"""Read the authorities' certificates once a process: 20 ms of each HTTP client, and a test often makes its own."""

import ssl
from functools import cache

ssl.create_default_context = cache(ssl.create_default_context)  # type: ignore[assignment]
