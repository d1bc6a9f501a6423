"""The image, compose.yaml and the manifests for Kubernetes: valid, complete, and in line with what they start."""

import importlib.util
import os
import re
import shelve
import subprocess
import time
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway.asgi import PATHS
from operations.health import worker_life
from scripts.dev import VERBS
from scripts.environment import ROOT

KUBERNETES = ROOT / "deploy/kubernetes"
#: The oldest version whose schemas the manifests follow; newer ones only add to them.
VERSION = "1.29"
PROCESSES = {"web", "gateway", "worker", "broadcast", "beat", "migrate"}


def manifests() -> list[dict[str, Any]]:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert {*listed} == {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    return [each for name in listed for each in yaml.safe_load_all((KUBERNETES / name).read_text())]


def pods() -> dict[str, dict[str, Any]]:
    specs = {each["metadata"]["name"]: each["spec"] for each in manifests() if "template" in each.get("spec", {})}
    return {name: spec["template"]["spec"] for name, spec in specs.items()}


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def documented_settings() -> set[str]:
    rows = [line.split("|")[1] for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z][A-Z_0-9]+)`", row)}


@pytest.mark.parametrize("manifest", manifests(), ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_each_manifest_follows_the_published_schema(manifest):
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_a_manifest_with_a_fault_is_found():
    faulty = yaml.safe_load((KUBERNETES / "beat.yaml").read_text())
    faulty["spec"]["template"]["spec"]["containers"][0]["imagee"] = "openrouter"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(faulty, VERSION, strict=True)


def test_every_pod_runs_without_privileges_and_writes_only_where_it_may():
    assert pods().keys() == PROCESSES
    for pod in pods().values():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {each["mountPath"] for each in container["volumeMounts"]} == {"/data", "/tmp"}


def test_servers_are_probed_and_have_time_to_end_their_streams():
    for name in ("web", "gateway"):
        (container,) = pods()[name]["containers"]
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        graceful = int(container["command"][container["command"].index("--timeout-graceful-shutdown") + 1])
        pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
        assert pods()[name]["terminationGracePeriodSeconds"] >= pause + graceful + 30  # SHUTDOWN_SECONDS


def test_there_is_one_clock_and_the_old_one_ends_first():
    (beat,) = (each for each in manifests() if each["metadata"]["name"] == "beat")
    assert (beat["spec"]["replicas"], beat["spec"]["strategy"]) == (1, {"type": "Recreate"})


def probe_of(name: str) -> str:
    """The shell command that looks whether a worker or the clock lives; compose.yaml has the same as Kubernetes."""
    shell, option, test = pods()[name]["containers"][0]["livenessProbe"]["exec"]["command"]
    kind, in_compose = compose()["services"][name]["healthcheck"]["test"]
    assert (shell, option, kind) == ("sh", "-c", "CMD-SHELL") and in_compose.replace("$$", "$") == test
    return test


def lives(test: str, folder: Path) -> bool:
    """Whether a probe passes, with this folder in place of its own."""
    return subprocess.run(["sh", "-c", re.sub(r"/(tmp|data)\b", str(folder), test)], check=False).returncode == 0


def age(folder: Path, seconds: float) -> None:
    for path in folder.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


def test_a_clock_that_hangs_is_started_again(tmp_path):
    """Its schedule is written every three minutes, and its probe finds a fresh one."""
    (container,) = pods()["beat"]["containers"]
    schedule = Path(container["command"][container["command"].index("--schedule") + 1])
    test = probe_of("beat")
    assert f'find {schedule.parent} -name "{schedule.name}*" -mmin -10' in test
    assert not lives(test, tmp_path)
    with shelve.open(f"{tmp_path}/{schedule.name}") as written:
        written["entries"] = {}
    assert lives(test, tmp_path)
    age(tmp_path, 660)
    assert not lives(test, tmp_path)


@pytest.mark.parametrize("name", ["worker", "broadcast"])
def test_a_worker_that_hangs_is_started_again(name, tmp_path):
    """Its probe allows for more than the worker itself does before it ends."""
    test = probe_of(name)
    assert not lives(test, tmp_path)
    (tmp_path / worker_life.FILE).touch()
    assert lives(test, tmp_path)
    age(tmp_path, worker_life.INTERVAL * worker_life.MOST_MISSED + 60)
    assert lives(test, tmp_path)
    age(tmp_path, 360)
    assert not lives(test, tmp_path)


def test_exported_requests_outlive_their_container():
    """They are dropped from the database: a folder that is gone with its container would lose them."""
    kept = {volume.partition(":")[2] for volume in compose()["services"]["worker"]["volumes"]}
    temporary = {each.partition(":")[0] for each in compose()["x-app"]["tmpfs"]}
    assert kept == {"/exports"} and not kept & temporary
    assert "chown openrouter:openrouter /data /exports" in (ROOT / "Dockerfile").read_text()
    assert "`EXPORT_DIR=/exports`" in (ROOT / "docs/operations/install.md").read_text()


def test_units_leave_reading_the_settings_to_the_site():
    """systemd takes ` # a comment` for a part of the value, and the environment wins."""
    for unit in (ROOT / "deploy").glob("*.service"):
        assert "EnvironmentFile" not in unit.read_text(), unit.name


def test_compose_and_kubernetes_start_the_same_processes():
    services = compose()["services"]
    assert services.keys() > PROCESSES
    default = yaml.safe_load(re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.M)[-1])
    for name in PROCESSES:
        assert services[name].get("command", default) == pods()[name]["containers"][0]["command"]
        assert services[name]["read_only"] is True


def test_commands_name_modules_that_exist():
    for pod in pods().values():
        for word in pod["containers"][0]["command"]:
            if word.endswith(":application"):
                assert importlib.util.find_spec(word.partition(":")[0])


def test_proxies_send_the_paths_of_inference_to_the_gateway():
    (ingress,) = (each for each in manifests() if each["kind"] == "Ingress")
    rules = ingress["spec"]["rules"][0]["http"]["paths"]
    to_gateway = [(rule["path"], rule["pathType"]) for rule in rules if rule["backend"]["service"]["name"] == "gateway"]
    for path in PATHS:
        assert any(path == given or (kind == "Prefix" and path.startswith(f"{given}/")) for given, kind in to_gateway)
    caddy = (ROOT / "deploy/compose.Caddyfile").read_text()
    assert set(re.findall(r"@inference path (.*)", caddy)[0].split()) == PATHS


def test_every_setting_is_one_that_the_readme_has():
    given = set(compose()["x-app"]["environment"])
    given |= set(yaml.safe_load((KUBERNETES / "settings.yaml").read_text())["data"])
    example = (ROOT / "deploy/compose.env.example").read_text()
    given |= set(re.findall(r"^([A-Z_]+)=", example, re.M)) - {"SITE_HOST", "POSTGRES_PASSWORD"}
    given |= set(re.findall(r"([A-Z_]+)=", re.findall(r"DEBUG=false.*", (ROOT / "Dockerfile").read_text())[0]))
    assert given - documented_settings() == set()


def test_the_image_is_built_by_commands_that_exist_and_runs_as_no_root():
    text = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"scripts/dev\.py (\w+)", text)) <= VERBS.keys()
    assert re.findall(r"^USER (\d+):(\d+)$", text, re.M) == [("10001", "10001")]
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv", "node_modules", "var"} <= {*ignored}
