"""Browser libraries: the named files of installed npm packages, served as static files.

Only the files listed here are served and collected; a package's other files stay where they are.
`IMPORTS` is what modules may import by name (`import {marked} from "marked"`), see the
`{% importmap %}` tag.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.contrib.staticfiles import utils
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage
from django.utils._os import safe_join
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

LANGUAGES = [
    "bash", "c", "cpp", "csharp", "css", "diff", "dockerfile", "go", "ini", "java", "javascript", "json",
    "kotlin", "lua", "makefile", "markdown", "php", "python", "r", "ruby", "rust", "scala", "sql", "swift",
    "typescript", "xml", "yaml",
]  # fmt: skip

#: static name -> file below node_modules
FILES: dict[str, str] = {
    "vendor/inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "vendor/jetbrains-mono.woff2": ("@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2"),
    "vendor/marked.js": "marked/lib/marked.esm.js",
    "vendor/dompurify.js": "dompurify/dist/purify.es.mjs",
    "vendor/idb.js": "idb/build/index.js",
    "vendor/hljs/core.js": "@highlightjs/cdn-assets/es/core.min.js",
    **{f"vendor/hljs/{name}.js": f"@highlightjs/cdn-assets/es/languages/{name}.min.js" for name in LANGUAGES},
    "vendor/katex/katex.js": "katex/dist/katex.mjs",
    "vendor/katex/katex.css": "katex/dist/katex.min.css",
    "vendor/pdfjs/pdf.js": "pdfjs-dist/build/pdf.min.mjs",
    "vendor/pdfjs/worker.js": "pdfjs-dist/build/pdf.worker.min.mjs",
}

#: Files that others ask for by name: static folder -> folder below node_modules, and which of its files.
FOLDERS: dict[str, tuple[str, str]] = {
    "vendor/katex/fonts/": ("katex/dist/fonts", "*.*"),
    # The character maps of Chinese, Japanese and Korean PDFs. PDF.js loads the one that a file needs.
    "vendor/pdfjs/cmaps/": ("pdfjs-dist/cmaps", "*.bcmap"),
}

#: Modules that run in a worker.
WORKER_MODULES = "js/chat/files/office/*.js"

#: Our modules that others import, by bare name: a relative import would miss the hash in file names.
SCRIPTS = Path(__file__).resolve().parent.parent / "static/js"
MODULES = sorted(
    path.relative_to(SCRIPTS).with_suffix("").as_posix()
    for path in [SCRIPTS / "connection.js", *SCRIPTS.glob("chat/**/*.js"), *SCRIPTS.glob("request-builder/*.js")]
)

#: bare module name -> static name
IMPORTS: dict[str, str] = {
    "marked": "vendor/marked.js",
    "dompurify": "vendor/dompurify.js",
    "idb": "vendor/idb.js",
    "katex": "vendor/katex/katex.js",
    "pdfjs": "vendor/pdfjs/pdf.js",
    "pdfjs/worker": "vendor/pdfjs/worker.js",
    "hljs/core": "vendor/hljs/core.js",
    **{f"hljs/{name}": f"vendor/hljs/{name}.js" for name in LANGUAGES},
    **{module: f"js/{module}.js" for module in MODULES},
}


def files() -> dict[str, str]:
    """Return `FILES` and those of `FOLDERS`."""
    return _files_in(Path(settings.NODE_MODULES))


@cache
def _files_in(node_modules: Path) -> dict[str, str]:
    found = dict(FILES)
    for name, (folder, pattern) in FOLDERS.items():
        for path in (node_modules / folder).glob(pattern):
            found[name + path.name] = f"{folder}/{path.name}"
    return found


class NamedFiles(FileSystemStorage):
    """Maps static names to files of npm packages."""

    prefix = ""

    def path(self, name: str) -> str:
        try:
            return safe_join(self.location, files()[name.replace("\\", "/")])
        except KeyError as error:
            raise FileNotFoundError(name) from error


class BrowserLibraryFinder(BaseFinder):
    """Finds the files of `files()`, and reports in `manage.py check` if setup has not been run."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        self.storage = NamedFiles(location=str(settings.NODE_MODULES))

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        missing = [name for name in FILES.values() if not (Path(settings.NODE_MODULES) / name).is_file()]
        if not missing:
            return []
        return [Error(f"Browser libraries are missing ({missing[0]}, ...). Run: make setup", id="site.E001")]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = self.storage.path(path) if path in files() else None
        if find_all or kwargs.get("all"):
            return [found] if found else []
        return found or []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, NamedFiles]]:
        for name in files():
            if not utils.matches_patterns(name, list(ignore_patterns or [])):
                yield name, self.storage


def _without_source_maps(patterns: Any) -> Any:
    # Libraries refer to source maps that are not served; hashing their names would fail.
    def names_a_map(rule: Any) -> bool:
        return bool(re.search("sourceMappingURL", rule if isinstance(rule, str) else rule[0]))

    return tuple((glob, tuple(rule for rule in rules if not names_a_map(rule))) for glob, rules in patterns)


class StaticCompressor(Compressor):
    """Brotli at quality 9: a twentieth larger than at 11, the default, in a tenth of the time."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=9))


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Static files in production: content hash in the name, compressed, cached forever."""

    patterns = (
        *_without_source_maps(CompressedManifestStaticFilesStorage.patterns),
        # Workers have no import map, so their modules import each other by path. Here these paths get the hash.
        (WORKER_MODULES, ((r"""(?P<matched>from "(?P<url>\./[\w-]+\.js)")""", 'from "%(url)s"'),)),
    )

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return StaticCompressor(**kwargs)  # type: ignore[no-untyped-call]
