#!/usr/bin/env python3
"""The images of deploy/container: built by buildah, and run by crun as the pods of deploy/kubernetes.

Where no registry is reached, debian:bookworm-slim is a stand-in made from Debian's packages. The agent
acts on a made-up host, never on this machine: its container has no /sys.
"""

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

from hotplugger_deploy import KUBERNETES, kustomize, oci, rules  # noqa: E402

TOOLS = SOURCE / "build/conformance"
STORAGE = TOOLS / "storage"
BASE = "docker.io/library/debian:bookworm-slim"
PROFILE = Path("/usr/share/containers/seccomp.json")
PACKAGES = {"buildah": "buildah", "crun": "crun", "mmdebstrap": "mmdebstrap"}
TARGETS = {"controller": "hotplugger-controller", "agent": "hotplugger-agent",
           "hotplugctl": "hotplugctl"}
DEADLINE = 60.0
CPUS = 4


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
    """crun refuses machines that have both kinds of cgroups: then we go on where only the new one is."""
    if not Path("/sys/fs/cgroup/unified").exists():
        return
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                          "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && "
                          'exec "$@"', "sh", sys.executable, str(Path(__file__).resolve())])


def build() -> None:
    try:
        run("buildah", "pull", "--quiet", BASE, timeout=60)
        more = []
        print(f"base: {BASE}, from its registry")
    except (RuntimeError, subprocess.TimeoutExpired):
        more = ["--stand-in"]
        print(f"base: no registry is reached here, so {BASE} is a stand-in of Debian's packages")
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


def make_host(folder: Path) -> None:
    """A host of a few CPUs, as files."""
    files = {"proc/meminfo": "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n",
             "proc/zoneinfo": "", "proc/stat": "cpu 0 0 0 0\n"}
    cpus = "sys/devices/system/cpu"
    files |= {f"{cpus}/{name}": f"0-{CPUS - 1}\n" for name in ("online", "present", "possible")}
    for cpu in range(CPUS):
        place = f"{cpus}/cpu{cpu}"
        files |= {f"{place}/online": "1\n", f"{place}/topology/core_id": f"{cpu}\n",
                  f"{place}/topology/physical_package_id": "0\n",
                  f"{place}/topology/thread_siblings_list": f"{cpu}\n"}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run_all(scratch: Path) -> None:
    objects = kustomize.render(KUBERNETES / "base")
    [controller_pod] = [pod["spec"] for pod in kustomize.pods(objects)
                        if pod["spec"]["containers"][0]["name"] == "controller"]
    with image("controller") as (root, facts):
        controller = start_controller(scratch, root, facts, controller_pod)
        try:
            port, metrics = ports(controller)
            with image("agent") as (agent_root, agent_facts):
                agent = start_agent(scratch, agent_root, agent_facts, rules.agent_pod(objects), port)
                try:
                    check_fleet(scratch, port, metrics, agent)
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

    def argument(text: str) -> str:
        return re.sub(r"=0\.0\.0\.0:\d+", "=127.0.0.1:0", text)

    config = oci.config(pod, "controller", str(root), facts["Entrypoint"], {"spec.nodeName": "here"},
                        {"store": str(store)}, PROFILE, argument)
    return Container(scratch / "controller", config)


def ports(controller: Container) -> tuple[int, int]:
    found = controller.wait_for(
        lambda: re.search(r"listening.*grpc=\"?(\d+).*metrics=\"?(\d+)", controller.log()),
        "the controller listens")
    return int(found[1]), int(found[2])


def start_agent(scratch: Path, root: Path, facts: dict[str, Any], pod: dict[str, Any],
                port: int) -> Container:
    """With all of the DaemonSet but the node's /sys: a made-up host in its place."""
    host = scratch / "host"
    make_host(host)
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
    config = oci.config(pod, "agent", str(root), facts["Entrypoint"], {"spec.nodeName": "made-up"},
                        {**{name: str(path) for name, path in folders.items()}, "host": str(host)},
                        PROFILE, lambda text: text.replace("=hotplugger-controller:7443",
                                                           f"=127.0.0.1:{port}"))
    return Container(scratch / "agent", without_sys(config))


def check_fleet(scratch: Path, port: int, metrics: int, agent: Container) -> None:
    """hotplugctl, from its own image, sees the agent at the controller."""
    numbers = iter(range(1000))

    def hotplugctl(*words: str) -> str:
        with image("hotplugctl") as (root, facts):
            config = plain_config(root, facts, "--controller", f"127.0.0.1:{port}", *words)
            called = Container(scratch / f"call-{next(numbers)}", without_sys(config))
            called._process.wait(DEADLINE)
            assert called._process.returncode == 0, called.log()
            return called.log()

    agent.wait_for(lambda: "made-up" in hotplugctl("get", "nodes", "-o", "name"), "the node is known")
    node = json.loads(hotplugctl("describe", "node", "made-up", "-o", "json"))["node"]
    assert node["inventory"]["cpusOnline"] == f"0-{CPUS - 1}", node["inventory"]
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=DEADLINE) as answer:
        assert b"hotplugger_" in answer.read()
    print("run: controller, agent and hotplugctl as their pods, but for the node's /sys; they meet")


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
