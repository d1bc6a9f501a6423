"""Development commands, with Python alone: python3 scripts/dev.py VERB

run          install what is missing, then start the whole site (PORT=8001 for another port)
test [ARGS]  run every check and test; with ARGS, only pytest with those arguments
lint         check style, format, types and import directions
bench NAME   run a benchmark: gateway, protocols, embeddings, chat, ledger, painting, activity, pages, soak or
             scale (see bench/README.md)
setup [--production]   install everything for running and testing; with --production, only for running
clients [NAMES]   run real clients against a site (see docs/clients.md)
static       collect the static files of production, without its settings: for an image
manage ARGS  run a Django command, for example: manage createsuperuser
shell        open a Python shell with Django loaded
clean        delete installed packages and caches; the site's data in DATA_DIR stays
"""

import sys

if sys.version_info < (3, 11):  # first, because older Pythons cannot parse the imports below
    sys.exit(
        "Python 3.11 or newer is needed; this is %d.%d (%s).\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
        + "Install it. If its command is not python3, name it:  make run PYTHON=python3.12"
    )

import os
import pathlib
import shutil
import signal
from collections.abc import Callable

sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from scripts import checks, environment, install, serve
from scripts.progress import Stop, say


def manage(*arguments: str) -> int:
    """Run Django's command line in the site's environment. Return its exit code."""
    install.set_up()
    return environment.call([environment.python(), "manage.py", *arguments], environment.variables())


def clean() -> int:
    """Delete the files that set-up and tests created. Return 0."""
    for name in (".venv", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache"):
        shutil.rmtree(environment.ROOT / name, ignore_errors=True)
    say(f"Deleted installed packages and caches. The site's data is still in {environment.data_dir()}.")
    return 0


def bench(name: str) -> int:
    """Run one benchmark. Return its exit code."""
    benchmarks = {path.stem: path for path in environment.ROOT.glob("bench/*/*.py")}
    if name not in benchmarks:
        raise Stop(f"There is no benchmark {name!r}: bench/README.md lists them.")
    install.set_up(development=True)
    module = f"bench.{benchmarks[name].parent.name}.{name}"
    return environment.call([environment.python(), "-m", module], environment.variables(settings=False))


def clients(*arguments: str) -> int:
    """Run clients in their newest versions against a site. Return the exit code."""
    install.set_up(development=True)
    return environment.call(
        [environment.python(), "-m", "tests.clients", *arguments], environment.variables(settings=False)
    )


def static() -> int:
    """Collect static files as production serves them, into STATIC_ROOT. Return the exit code."""
    install.set_up()
    given = environment.variables() | environment.production_settings()
    return environment.call([environment.python(), "manage.py", "collectstatic", "--noinput", "--verbosity=0"], given)


def setup(*options: str) -> int:
    """Set up for running and testing, with `--production` for running only. Return 0. Raises Stop."""
    if unknown := set(options) - {"--production"}:
        raise Stop(f"setup takes no {' '.join(sorted(unknown))}, only --production: leave out what is for tests.")
    install.set_up(development=not options)
    say("Everything is installed." if options else "Everything is installed. Start the site with: make run")
    return 0


VERBS: dict[str, Callable[..., int]] = {
    "run": serve.run,
    "test": checks.test,
    "bench": bench,
    "clients": clients,
    "lint": checks.lint,
    "setup": setup,
    "static": static,
    "manage": manage,
    "shell": lambda: manage("shell"),
    "clean": clean,
}


def main(arguments: list[str]) -> int:
    """Run the verb in the first argument. Return the exit code."""
    verb, *rest = arguments or ["help"]
    if verb not in VERBS:
        print(__doc__)
        return 0 if verb in {"help", "--help", "-h"} else 2
    os.chdir(environment.ROOT)
    # SIGTERM then ends child processes as Ctrl+C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return VERBS[verb](*rest)
    except Stop as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to continue.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
