#!/usr/bin/env python3
"""deploy/kubernetes, by the real tools: kustomize renders it, and what it renders is valid by the schemas
that Kubernetes and Prometheus Operator publish, with no field that they don't know.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/deploy"))

from hotplugger_deploy import KUBERNETES, kustomize  # noqa: E402

TOOLS = SOURCE / "build/conformance"
HERE = Path(__file__).resolve().parent
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.5.0"
SCHEMAS = "kubernetes-validate==1.37.0"
# The first that has all we use, one in between, and the newest that the package has.
VERSIONS = ("1.30", "1.33", "1.37")
MODELS = "@kubernetes-models/prometheus-operator@6.0.0"
OPERATOR = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring@v0.79.2"
Objects = list[dict[str, Any]]


class NotHere(Exception):
    """A tool that can't be had on this machine."""


def run(*command: str | Path, stdin: str | None = None, seconds: float = 600, **more: Any) -> str:
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True,
                          timeout=seconds, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout


def getting(what: str, get: Callable[[], Path]) -> Path:
    """Where a tool cannot be had is no failure of ours."""
    try:
        return get()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        raise NotHere(f"{what}: {error}") from error


def renderer() -> Sequence[str | Path]:
    """A kubectl that is new enough, or kustomize by Go."""
    if shutil.which("kubectl"):
        version = json.loads(run("kubectl", "version", "--client", "-o", "json"))
        major = version.get("kustomizeVersion", "v2").lstrip("v").partition(".")[0]
        if int(major) >= 5:
            print(f"renders: kubectl with kustomize {version['kustomizeVersion']}")
            return ("kubectl", "kustomize")

    def build() -> Path:
        program = TOOLS / "bin/kustomize"
        if not program.exists():
            run("go", "install", KUSTOMIZE, env={**os.environ, "GOBIN": str(program.parent)})
        return program

    program = getting(f"kustomize ({KUSTOMIZE})", build)
    print(f"renders: {KUSTOMIZE}")
    return (program, "build")


def layouts() -> dict[str, Path]:
    """The folders that are checked: ours, and one with every component, as somebody else's overlay."""
    everything = TOOLS / "everything"
    everything.mkdir(parents=True, exist_ok=True)

    def there(path: Path) -> str:
        return os.path.relpath(path, everything)

    components = [there(path) for path in sorted((KUBERNETES / "components").iterdir())]
    text = yaml.safe_dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                           "resources": [there(KUBERNETES / "overlays/podmonitor")],
                           "components": components})
    (everything / "kustomization.yaml").write_text(text, encoding="utf-8")
    return {"base": KUBERNETES / "base", "podmonitor": KUBERNETES / "overlays/podmonitor",
            "everything": everything}


def by_name(objects: Objects) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def check_rendering() -> Objects:
    """Ours is kustomize's. Returns everything that there is."""
    command = renderer()
    real: Objects = []
    for name, folder in layouts().items():
        real = list(yaml.safe_load_all(run(*command, folder)))
        if by_name(real) != by_name(kustomize.render(folder)):
            raise AssertionError(f"{name}: tests/deploy renders it otherwise than kustomize does")
        print(f"rendered: {name}, {len(real)} objects, as in tests/deploy")
    return real


def check_schemas(objects: Objects) -> None:
    def install() -> Path:
        python = TOOLS / "python/bin/python"
        if not python.exists():
            venv.create(TOOLS / "python", with_pip=True)
        run(python, "-m", "pip", "install", "-q", SCHEMAS)
        return python

    python = getting(SCHEMAS, install)
    native = [item for item in objects if "coreos" not in item["apiVersion"]]
    wrong = copy.deepcopy(native)
    for item in wrong:
        if item["kind"] == "DaemonSet":
            item["spec"]["template"]["spec"]["containers"][0]["securityContxt"] = {}
    program = ("import json, sys, kubernetes_validate as k\n"
               "for item in json.load(sys.stdin): k.validate(item, sys.argv[1], strict=True)\n")
    for version in VERSIONS:
        run(python, "-c", program, version, stdin=json.dumps(native))
        must_fail(lambda: run(python, "-c", program, version, stdin=json.dumps(wrong)),
                  "securityContxt")
        print(f"valid: {len(native)} objects by Kubernetes {version}, strictly")


def check_pod_monitor(objects: Objects) -> None:
    def install() -> Path:
        folder = TOOLS / "npm"
        folder.mkdir(parents=True, exist_ok=True)
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, MODELS)
        shutil.copy(HERE / "pod_monitor.mjs", folder)
        return folder / "pod_monitor.mjs"

    script = getting(MODELS, install)
    for monitor in pod_monitors(objects):
        wrong = copy.deepcopy(monitor)
        wrong["spec"]["podMetricsEndpoints"][0]["interval"] = "half a minute"
        run("node", script, stdin=json.dumps(monitor))
        must_fail(lambda: run("node", script, stdin=json.dumps(wrong)), "interval")
        print(f"valid: PodMonitor {monitor['metadata']['name']} by {MODELS}")


def pod_monitors(objects: Objects) -> Objects:
    found = [item for item in objects if item["kind"] == "PodMonitor"]
    assert found, "there is no PodMonitor"
    return found


def check_pod_monitor_strictly(objects: Objects) -> None:
    """By the operator's own types: fields that it doesn't know would be dropped without a word."""
    def build() -> Path:
        program = TOOLS / "bin/strict_pod_monitor"
        if not program.exists():
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(HERE / "strict_pod_monitor.go", Path(folder, "main.go"))
                run("go", "mod", "init", "strict", cwd=folder)
                run("go", "get", OPERATOR, "sigs.k8s.io/yaml@v1.4.0", cwd=folder)
                run("go", "mod", "tidy", cwd=folder)
                run("go", "build", "-o", program, ".", cwd=folder)
        return program

    program = getting(OPERATOR, build)
    for monitor in pod_monitors(objects):
        wrong = copy.deepcopy(monitor)
        wrong["spec"]["podMetricsEndpoints"][0]["prt"] = "metrics"
        run(program, stdin=json.dumps(monitor))
        must_fail(lambda: run(program, stdin=json.dumps(wrong)), "prt")
        print(f"valid: PodMonitor {monitor['metadata']['name']} by {OPERATOR}, strictly")


def must_fail(check: Callable[[], Any], word: str) -> None:
    """A check that would take anything is none."""
    try:
        check()
    except RuntimeError as error:
        if word in str(error):
            return
        raise
    raise AssertionError(f"a wrong {word} was not found")


def main() -> int:
    TOOLS.mkdir(parents=True, exist_ok=True)
    missing = []
    try:
        objects = check_rendering()
    except NotHere as error:
        print(f"could not get {error}")
        objects = kustomize.render(layouts()["everything"])
        missing.append(error)
    for check in (check_schemas, check_pod_monitor, check_pod_monitor_strictly):
        try:
            check(objects)
        except NotHere as error:
            print(f"could not get {error}")
            missing.append(error)
    return 77 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
