"""`make test` and `make lint`: every check of a change, stopping at the first failure. Suites of tests all run."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts import install, servers
from scripts.environment import ROOT, call, production_settings, python, variables
from scripts.pooler import pgbouncer_program
from scripts.progress import Stop, say, step

__all__ = ["chromium", "lint", "test"]

Check = tuple[str, list[str], str]
#: Its title, pytest's arguments, and variables.
Suite = tuple[str, list[str], dict[str, str]]

#: djade is a program without a Python module, and takes files only.
DJADE = """
import pathlib, subprocess, sys
templates = sorted(map(str, pathlib.Path("templates").rglob("*.html")))
sys.exit(subprocess.call(["djade", "--check", "--target-version", "5.2", *templates]))
"""
TYPES: Check = ("Types", ["-m", "mypy", "."], "")
LINT: list[Check] = [
    ("Style", ["-m", "ruff", "check", "."], "Fix many of these with: .venv/bin/ruff check --fix ."),
    ("Format", ["-m", "ruff", "format", "--check", "."], "Fix it with: .venv/bin/ruff format ."),
    ("Templates", ["-c", DJADE], "Fix it with: .venv/bin/djade --target-version 5.2 templates/path/to/the.html"),
    ("Import directions", ["-c", "from importlinter.cli import lint_imports_command as lint; lint()"], ""),
]
MIGRATIONS: Check = (
    "Migrations",
    ["manage.py", "makemigrations", "--check", "--dry-run"],
    "Create the missing migrations with: make manage ARGS=makemigrations",
)
PRODUCTION: Check = ("Production settings", ["manage.py", "check", "--deploy", "--fail-level", "WARNING"], "")

#: One more than the cores: tests wait for processes, timers and databases. Then tests which share state by accident
#: fail on small machines too.
PARALLEL = str(max(3, min(5, (os.cpu_count() or 2) + 1)))
#: Tests without a database, or to which it makes no difference: they run once, with SQLite.
WITHOUT_DATABASE = [
    "tests/activity/dashboard/test_charts.py",
    "tests/activity/dashboard/test_formats.py",
    "tests/activity/logs/test_times.py",
    "tests/activity/rankings/test_addresses.py",
    "tests/activity/reports/test_paper.py",
    "tests/activity/reports/test_runs.py",
    "tests/activity/test_periods.py",
    "tests/api/test_paths.py",
    "tests/billing/receipts/test_tax_ids.py",
    "tests/chat/answers/test_delta_buffer.py",
    "tests/chat/test_protocol.py",
    "tests/clients",
    "tests/common/display/test_moments.py",
    "tests/common/programs",
    "tests/common/storage/test_fresh_cache.py",
    "tests/common/storage/test_redis_servers.py",
    "tests/common/test_clock.py",
    "tests/common/test_env_file.py",
    "tests/common/test_money.py",
    "tests/common/web/test_client_address.py",
    "tests/common/web/test_compression.py",
    "tests/documentation/test_machines.py",
    "tests/documentation/test_pages.py",
    "tests/gateway/meaning",
    "tests/gateway/protocols",
    "tests/gateway/providers",
    "tests/gateway/response_cache/test_exchange.py",
    "tests/gateway/response_cache/test_options.py",
    "tests/gateway/routing/test_filters.py",
    "tests/gateway/routing/test_own_keys_in_plans.py",
    "tests/gateway/routing/test_plan.py",
    "tests/gateway/routing/test_service_tiers.py",
    "tests/gateway/steps",
    "tests/gateway/test_bad_input.py",
    "tests/gateway/test_conversations.py",
    "tests/gateway/test_documented_answers.py",
    "tests/gateway/test_embeddings.py",
    "tests/gateway/test_fallback_models.py",
    "tests/gateway/test_hanging_providers.py",
    "tests/gateway/test_reasoning.py",
    "tests/gateway/test_rerank.py",
    "tests/gateway/tokens",
    "tests/gateway/uses/test_classifier.py",
    "tests/gateway/web_search",
    "tests/keys/rules/test_status.py",
    "tests/openrouter_site/serving/test_writes.py",
    "tests/openrouter_site/settings/test_production.py",
    "tests/openrouter_site/settings/test_unsafe_settings.py",
    "tests/openrouter_site/test_access.py",
    "tests/openrouter_site/test_browser_libraries.py",
    "tests/openrouter_site/test_links.py",
    "tests/openrouter_site/test_outages.py",
    "tests/openrouter_site/test_starting.py",
    "tests/operations/telemetry/test_error_reports.py",
    "tests/operations/test_containers.py",
    "tests/operations/test_deployment.py",
    "tests/operations/test_documents.py",
    "tests/operations/test_scaling_model.py",
    "tests/presets/test_merging.py",
    "tests/request_builder",
    "tests/sandbox",
    "tests/scripts",
    "tests/test_coverage.py",
    "tests/test_repository.py",
    "tests/test_style.py",
    "tests/wire",
]
#: In order of preference: the headless shell is the same engine, and takes less than half the time for a page.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def lint() -> int:
    """Check style, format, templates, types and imports; return 0. Raises Stop at the first failure."""
    install.set_up(development=True)
    for check in [*LINT, TYPES]:
        _run(check, {})
    return 0


def test(*arguments: str) -> int:
    """Run every check, then every test; with arguments, only pytest with those. Return pytest's exit code."""
    if arguments:
        install.set_up(development=True)
        return call([python(), "-m", "pytest", *arguments], variables(settings=False))
    install.set_up(development=True)
    with _types_beside() as types:
        for check in [*LINT, MIGRATIONS]:
            _run(check, {})
        _run(PRODUCTION, production_settings())
        with contextlib.ExitStack() as stack:
            database, cache = stack.enter_context(servers.postgresql()), stack.enter_context(servers.redis())
            return _tests(database, cache, chromium(), types)


@contextlib.contextmanager
def _types_beside() -> Iterator[Callable[[], None]]:
    """Check types on a core that is idle meanwhile; yield what waits for the result. Raises Stop if it is a failure."""
    title, command, _ = TYPES
    environment = variables(settings=False)
    with (
        subprocess.Popen(
            [python(), *command], env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
        ThreadPoolExecutor(1) as reader,
    ):
        output = reader.submit(process.communicate)

        def wait() -> None:
            printed, _ = output.result()
            if process.returncode:
                raise Stop(f"{title} ... FAILED\n{printed.rstrip()}")
            say(f"{title} ... done")

        try:
            yield wait
        finally:
            process.terminate()  # of no effect where it has ended


def _tests(database: str, cache: str, browser: str, beside: Callable[[], None] = lambda: None) -> int:
    """Run the suites that this machine can run, all of them. Return the exit code of the first that fails, or 0.

    After the first, `beside` is called: the end of what runs beside it.
    """
    # Slow tests come first, to one process; the others steal what it does not get to.
    parallel = ["-n", PARALLEL, "--dist", "worksteal", "-m", "not browser"]
    embedded = {"DATABASE_URL": "", "REDIS_URL": ""}
    production_like = {"DATABASE_URL": database, "REDIS_URL": cache}
    suites: list[Suite] = [("Tests on SQLite", parallel, embedded)]
    missing = []
    if all(production_like.values()):
        once = [f"--ignore={path}" for path in WITHOUT_DATABASE]
        suites.append(("Tests on PostgreSQL and Redis", parallel + once, production_like))
    else:
        missing.append("tests on PostgreSQL and Redis (install both servers, or set TEST_DATABASE_URL, TEST_REDIS_URL)")
    if pgbouncer_program() is None:
        missing.append("tests behind PgBouncer (install pgbouncer)")
    if browser:
        servers_given = {f"TEST_{name}": url for name, url in production_like.items()}
        given = embedded | servers_given | {"CHROMIUM": browser}
        in_groups = ["-n", PARALLEL, "--dist", "loadgroup", "-m", "browser"]
        suites.append(("Tests in a browser against the real processes", in_groups, given))
    else:
        missing.append("tests in a browser (install Chromium, or set CHROMIUM to its path)")
    if missing and os.environ.get("CI"):
        raise Stop("".join(f"Cannot run {what}.\n" for what in missing))
    with tempfile.TemporaryDirectory(prefix="site-suites-") as folder:
        return _one_after_the_other(suites, missing, Path(folder), beside)


def _one_after_the_other(suites: list[Suite], missing: list[str], shared: Path, beside: Callable[[], None]) -> int:
    """Run the suites, which share the databases that the first to need them makes. Return as `_tests` does."""
    failed: dict[str, int] = {}
    in_browser = shared / "browser.txt"
    for number, (title, options, extra) in enumerate(suites, 1):
        extra = extra | {
            "TEST_SHARED_DIR": str(shared),
            "TEST_SHARED_DIR_KEPT": "1" if number < len(suites) else "",
            "TEST_BROWSER_FILES": str(in_browser) if number == 1 else "",
        }
        if "browser" in options and in_browser.exists():  # the first has looked through all files
            options = [*options, *in_browser.read_text().split()]
        told = [f"\n!!! NOT RUN: {what}" for what in missing] + [f"\n!!! FAILED: {earlier}" for earlier in failed]
        if told and number == len(suites):  # near the end of the output, where it is not overlooked
            say("".join(told))
        say(f"\n{title}")
        if code := call([python(), "-m", "pytest", *options], variables(settings=False) | extra):
            failed[title] = code
        if number == 1:
            beside()
    return next(iter(failed.values()), 0)


def _run(check: Check, extra: dict[str, str]) -> None:
    title, command, remedy = check
    code, output = step(title, [python(), *command], env=variables(settings=False) | extra, cwd=ROOT)
    if code:
        raise Stop(f"{output.rstrip()}\n{remedy}".rstrip())


def chromium() -> str:
    """Return the path of a Chromium, or an empty string."""
    candidates = [os.environ.get("CHROMIUM", ""), *CHROMIUM]
    found = next((path for name in candidates if name and (path := shutil.which(name))), "")
    if not found and sys.platform == "darwin":
        application = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
        return application if os.path.exists(application) else ""
    return found
