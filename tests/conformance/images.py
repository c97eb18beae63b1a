#!/usr/bin/env python3
"""The images of deploy/container: built by buildah, and run by crun as the pods of deploy/kubernetes.

Where no registry is reached, debian:bookworm-slim is a stand-in made from Debian's packages. The agent
acts on a made-up host, never on this machine: its container has no /sys. With HOTPLUGGER_BUILT_PROGRAMS
set, the images get the programs of the build folder, and nothing is compiled.
"""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/deploy"))
sys.path.insert(0, str(SOURCE / "tests/lab"))

from hotplugger_conformance.made_up_host import CPUS, MadeUpHost  # noqa: E402
from hotplugger_deploy import KUBERNETES, kustomize, oci, rules  # noqa: E402
from hotplugger_lab import health  # noqa: E402
from hotplugger_lab.ports import free_port  # noqa: E402

TOOLS = SOURCE / "build/conformance"
BUILD = Path(os.environ.get("HOTPLUGGER_BUILD_DIR", SOURCE / "build/dev"))
BUILT_PROGRAMS = bool(os.environ.get("HOTPLUGGER_BUILT_PROGRAMS"))
STORAGE = TOOLS / "storage"
BASE = "docker.io/library/debian:bookworm-slim"
PROFILE = Path("/usr/share/containers/seccomp.json")
PACKAGES = {"buildah": "buildah", "crun": "crun", "mmdebstrap": "mmdebstrap"}
TARGETS = {"controller": "hotplugger-controller", "agent": "hotplugger-agent",
           "hotplugctl": "hotplugctl"}
DEADLINE = 60.0
LOOPBACK = "127.0.0.1"


class NotHere(Exception):
    """Something that this machine lacks."""


def run(*command: str | Path, **more: Any) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {(done.stdout + done.stderr).strip()[-3000:]}")
    return done.stdout.strip()


def check_machine() -> None:
    if os.geteuid() != 0:
        raise NotHere("root's rights, for buildah to lay out a file system")
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            raise NotHere(f"{program}: install Debian's package {package}")
    STORAGE.mkdir(parents=True, exist_ok=True)
    config = STORAGE / "storage.conf"
    config.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{STORAGE}/graph"\n'
                      f'runroot = "{STORAGE}/run"\n', encoding="utf-8")
    os.environ["CONTAINERS_STORAGE_CONF"] = str(config)


def see_one_cgroup_tree() -> None:
    """crun refuses machines that have both kinds of cgroups, or none in sight, as below
    scripts/with-read-only-sys: then we go on where only the new one is.
    """
    if run("stat", "-f", "-c", "%T", "/sys/fs/cgroup") == "cgroup2fs":
        return
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                          "umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup && "
                          'exec "$@"', "sh", sys.executable, str(Path(__file__).resolve())])


def build() -> None:
    try:
        # Also where there is one already: that may be a stand-in.
        run("buildah", "pull", "--quiet", "--policy", "always", BASE, timeout=60)
        more = []
        print(f"base: {BASE}, from its registry")
    except (RuntimeError, subprocess.TimeoutExpired):
        more = ["--stand-in"]
        print(f"base: no registry is reached here, so {BASE} is a stand-in of Debian's packages")
    if BUILT_PROGRAMS:
        more += ["--programs", str(BUILD)]
        print(f"programs: those of {BUILD}; compiling in the image is left out")
    subprocess.run([SOURCE / "scripts/build-images", *more, "--tag", "conformance"], check=True,
                   stdout=subprocess.DEVNULL)
    for name in TARGETS.values():
        size = json.loads(run("buildah", "images", "--json", f"localhost/{name}:conformance"))[0]["size"]
        print(f"built: {name}, {size}")


@contextmanager
def image(target: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The root of a container of an image, and the image's own config."""
    made = run("buildah", "from", "--pull-never", f"localhost/{TARGETS[target]}:conformance")
    try:
        facts = json.loads(run("buildah", "inspect", made))["OCIv1"]["config"]
        yield Path(run("buildah", "mount", made)), facts
    finally:
        run("buildah", "rm", made)


class Container:
    """One under crun; it ends with us."""

    def __init__(self, folder: Path, config: dict[str, Any]):
        # Cgroups are the kubelet's affair; here they are left alone.
        config["linux"]["resources"] = {}
        config["linux"].pop("cgroupsPath", None)
        # Not every machine's root may lower it.
        config["process"].pop("oomScoreAdj")
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        self._log = folder / "log"
        self._name = f"hotplugger-{os.getpid()}-{folder.name}"
        self._root = folder.parent / "crun"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                ["crun", "--cgroup-manager=disabled", "--root", self._root, "run", "--bundle", folder,
                 self._name], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for(self, check: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if found := check():
                return found
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"{what}: not so; the container said:\n{self.log()}")

    def end(self) -> int:
        """Its exit status after SIGTERM, or the one that it has ended with."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(DEADLINE)


def plain_config(root: Path, facts: dict[str, Any], *words: str) -> dict[str, Any]:
    """As `docker run --read-only --cap-drop all` of an image that no pod has."""
    [uid, gid] = map(int, facts["User"].split(":"))
    pod = {"volumes": [], "containers": [{
        "name": "x", "args": list(words), "volumeMounts": [],
        "resources": {"limits": {"memory": "64Mi"}},
        "securityContext": {"runAsUser": uid, "runAsGroup": gid, "capabilities": {"drop": ["ALL"]},
                            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}}]}
    return oci.config(pod, "x", str(root), facts["Entrypoint"], {"spec.nodeName": "here"}, {}, PROFILE)


def without_sys(config: dict[str, Any]) -> dict[str, Any]:
    config["mounts"] = [mount for mount in config["mounts"]
                        if not mount["destination"].startswith("/sys")]
    config["linux"]["maskedPaths"] = []
    return config


def run_all(scratch: Path) -> None:
    objects = kustomize.render(KUBERNETES / "base")
    [controller_pod] = [pod["spec"] for pod in kustomize.pods(objects)
                        if pod["spec"]["containers"][0]["name"] == "controller"]
    with image("controller") as (root, facts):
        controller = start_controller(scratch, root, facts, controller_pod)
        try:
            wait_for_probes(controller, controller_pod)
            with image("agent") as (agent_root, agent_facts):
                agent = start_agent(scratch, agent_root, agent_facts, rules.agent_pod(objects))
                try:
                    wait_for_probes(agent, rules.agent_pod(objects))
                    check_fleet(scratch, agent)
                finally:
                    status = agent.end()
                assert status == 0, f"the agent ended with {status}: {agent.log()}"
        finally:
            status = controller.end()
        assert status == 0, f"the controller ended with {status}: {controller.log()}"
    print("run: each ended with 0 on SIGTERM")


def start_controller(scratch: Path, root: Path, facts: dict[str, Any], pod: dict[str, Any]) -> Container:
    store = scratch / "store"
    store.mkdir()
    security = pod["securityContext"]
    os.chown(store, security["runAsUser"], security["fsGroup"])
    assert facts["User"] == f"{security['runAsUser']}:{security['runAsGroup']}", facts["User"]

    config = oci.config(pod, "controller", str(root), facts["Entrypoint"], {"spec.nodeName": "here"},
                        {"store": str(store)}, PROFILE, on_loopback)
    return Container(scratch / "controller", config)


@functools.cache
def here(port: int) -> int:
    """The port of this machine's loopback that stands for that one of a pod's."""
    return free_port()


def on_loopback(argument: str) -> str:
    """The containers have this machine's network, so every address is one of its loopback."""
    return re.sub(r"=[\w.-]+:(\d+)$", lambda found: f"={LOOPBACK}:{here(int(found[1]))}", argument)


def wait_for_probes(container: Container, pod: dict[str, Any]) -> None:
    [item] = pod["containers"]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = here(item[name]["grpc"]["port"])
        container.wait_for(lambda: health.serves_here(port), f"{item['name']}: its {name} gets an answer")


def start_agent(scratch: Path, root: Path, facts: dict[str, Any], pod: dict[str, Any]) -> Container:
    """With all of the DaemonSet but the node's /sys: a made-up host in its place."""
    host = scratch / "host"
    MadeUpHost(host).make()
    folders = {}
    for name in ("state", "run", "config"):
        folders[name] = scratch / f"agent-{name}"
        folders[name].mkdir()
    [config_map] = [item for item in kustomize.render(KUBERNETES / "base") if item["kind"] == "ConfigMap"]
    for name, text in config_map["data"].items():
        (folders["config"] / name).write_text(text, encoding="utf-8")
    pod = json.loads(json.dumps(pod))
    pod["volumes"] = []
    [container] = pod["containers"]
    container["volumeMounts"] = [mount for mount in container["volumeMounts"]
                                 if not mount["mountPath"].startswith("/sys")]
    container["volumeMounts"].append({"name": "host", "mountPath": "/mnt"})
    container["args"].append("--sysroot=/mnt")
    config = oci.config(pod, "agent", str(root), facts["Entrypoint"],
                        {"spec.nodeName": "made-up", "status.podIP": LOOPBACK},
                        {**{name: str(path) for name, path in folders.items()}, "host": str(host)},
                        PROFILE, on_loopback)
    return Container(scratch / "agent", without_sys(config))


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://{LOOPBACK}:{here(port)}{path}", timeout=DEADLINE) as answer:
        return answer.read().decode()


def check_fleet(scratch: Path, agent: Container) -> None:
    """hotplugctl, from its own image, sees the agent at the controller, and so does Prometheus."""
    numbers = iter(range(1000))

    def hotplugctl(*words: str) -> str:
        with image("hotplugctl") as (root, facts):
            config = plain_config(root, facts, "--controller", f"{LOOPBACK}:{here(7443)}", *words)
            called = Container(scratch / f"call-{next(numbers)}", without_sys(config))
            called._process.wait(DEADLINE)
            assert called._process.returncode == 0, called.log()
            return called.log()

    agent.wait_for(lambda: "made-up" in hotplugctl("get", "nodes", "-o", "name"), "the node is known")
    node = json.loads(hotplugctl("describe", "node", "made-up", "-o", "json"))["node"]
    assert node["inventory"]["cpusOnline"] == f"0-{CPUS - 1}", node["inventory"]
    agent.wait_for(lambda: 'hotplugger_nodes{state="in_sync"} 1' in get(9415, "/metrics"),
                   "the controller's metrics say that the node is in sync")
    [found] = json.loads(get(9415, "/sd"))
    assert found["targets"] == [f"{LOOPBACK}:{here(9416)}"], found
    assert "hotplugger_agent_connected 1" in get(9416, "/metrics"), "the agent's metrics"
    print("run: controller, agent and hotplugctl as their pods, but for the node's /sys; they meet, their "
          "probes and /metrics answer, and /sd names the agent")


def main() -> int:
    try:
        check_machine()
    except NotHere as error:
        print(f"could not get {error}")
        return 77
    see_one_cgroup_tree()
    build()
    with tempfile.TemporaryDirectory(prefix="hotplugger-images-") as folder:
        run_all(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
