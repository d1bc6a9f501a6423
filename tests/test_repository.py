"""The repository holds no addresses of package registries, no paths of a machine, and no secrets."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from common import env_file
from scripts.environment import ROOT

# Written in pieces, so that this file may be in the repository itself.
REGISTRIES = re.compile(
    "|".join(["registry" + r"\.npmjs", r"pypi" + r"\.org", "python" + "hosted", "npmmirror" + r"\."])
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.~-])/(?:" + "|".join(["home" + "/", "ro" + "ot/", "wo" + "rk/", "Us" + "ers/"]) + r")\w"
)
SECRETS = re.compile(r"sk_li" + r"ve_\w{20,}|whsec_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIV" + "ATE KEY")


def committed_texts() -> list[tuple[str, str]]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    texts = []
    for name in filter(None, listing.split("\0")):
        path = Path(ROOT / name)
        if path.exists():
            texts.append((name, path.read_text(errors="replace")))
    return texts


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS, SECRETS], ids=["registry", "machine path", "secret"])
def test_no_committed_file_holds_one(pattern):
    found = [f"{name}: {hit.group()}" for name, text in committed_texts() for hit in pattern.finditer(text)]
    assert found == []


def test_the_patterns_find_what_they_look_for():
    assert REGISTRIES.search("https://registry" + ".npmjs.org/marked") and REGISTRIES.search(
        "files.python" + "hosted.org"
    )
    assert MACHINE_PATHS.search('"/wo' + 'rk/main"') and MACHINE_PATHS.search(" /home" + "/alice/x")
    assert not MACHINE_PATHS.search("framework/roots") and not MACHINE_PATHS.search("/api/work/x")


def test_browser_libraries_are_pinned_by_content_and_not_by_address():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    libraries = {name: package for name, package in packages.items() if name}
    assert libraries
    assert [name for name, package in libraries.items() if "resolved" in package or "integrity" not in package] == []


def test_every_python_package_is_pinned_with_hashes():
    for file in (ROOT / "requirements").glob("*.txt"):
        requirements = re.split(r"\n(?=[a-zA-Z0-9])", file.read_text())
        assert [text.split("\n")[0] for text in requirements if "==" not in text or "--hash=sha256:" not in text] == []


def test_every_direct_requirement_has_a_reason():
    for file in (ROOT / "requirements").glob("*.in"):
        lines = [line for line in file.read_text().splitlines() if re.match(r"[A-Za-z]", line)]
        assert [line for line in lines if not re.search(r"\s# \S", line)] == []


def test_running_and_testing_use_the_same_versions():
    def pins(name):
        lines = (ROOT / "requirements" / name).read_text().splitlines()
        return {line.split()[0] for line in lines if re.match(r"[A-Za-z0-9]", line)}

    assert pins("base.txt") - pins("dev.txt") == set()


def test_the_example_of_settings_can_be_read_and_sets_nothing(tmp_path):
    example = (ROOT / ".env.example").read_text()
    assert env_file.read(ROOT / ".env.example") == {}
    uncommented = tmp_path / ".env"
    uncommented.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", example, flags=re.MULTILINE))
    assert "STRIPE_SECRET_KEY" in env_file.read(uncommented)


def test_the_readme_lists_every_setting():
    """Every variable that the settings read, and every path that the text names."""
    settings = "".join(path.read_text() for path in (ROOT / "openrouter_site/settings").glob("*.py"))
    variables = set(re.findall(r"\benv\.\w+\(\s*[\"']([A-Z_]+)[\"']", settings))
    assert len(variables) > 30
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", readme))
    assert variables - named == set()


def test_the_documents_name_files_that_exist():
    documents = [ROOT / "README.md", ROOT / "NOTICE", *(ROOT / "docs").rglob("*.md")]
    missing = [
        (document.name, name)
        for document in documents
        for name in re.findall(r"`((?:[\w.-]+/)+[\w-]+\.\w+)`", document.read_text())
        if not (ROOT / name).exists()
    ]
    assert missing == []


def test_every_decision_is_in_the_list_and_has_a_status():
    folder = ROOT / "docs/decisions"
    decisions = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(r"^\| \[.*\]\((.+?)\) \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert listed == decisions
    assert [name for name in decisions if not re.search(r"^Status: \w", (folder / name).read_text(), re.M)] == []
