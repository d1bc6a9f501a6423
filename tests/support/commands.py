"""Run management commands of a site under test in one process: a line of JSON in, with the arguments; a line out."""

import contextlib
import io
import json
import os
import sys
import traceback

from django.core.management import ManagementUtility


def run(arguments: list[str]) -> tuple[bool, str]:
    """Return whether the command succeeded, and its output. Errors go to standard error."""
    succeeded = True
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as ended:
            succeeded = not ended.code
        except Exception:
            succeeded = False
            traceback.print_exc()
    return succeeded, printed.getvalue()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openrouter_site.settings")
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
    os._exit(0)  # to take the interpreter apart would take longer than a command
