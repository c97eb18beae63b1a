#!/usr/bin/env python3
"""deploy/container/Dockerfile: its lists of libraries are what the programs link to, and no more.

`make conformance` builds the images.
"""

import functools
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hotplugger_deploy import DEPLOY, SOURCE, kustomize  # noqa: E402
from hotplugger_deploy.dockerfile import Stage, read_stages  # noqa: E402

BIN = Path(os.environ.get("HOTPLUGGER_BUILD_DIR", SOURCE / "build/dev")) / "bin"
DOCKERFILE = DEPLOY / "container/Dockerfile"
# Every image of Debian has them, for apt needs them.
ALWAYS_THERE = {"libc6", "libgcc-s1", "libstdc++6"}
TARGETS = ("controller", "agent", "hotplugctl")


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C"}).stdout


@functools.cache
def package_of(library: str) -> str:
    """Debian's package of a library; /lib and /usr/lib are one folder, and dpkg knows either."""
    path = os.path.realpath(library)
    for name in (path, path.removeprefix("/usr"), f"/usr{path}"):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.partition(":")[0]
    raise LookupError(f"no package has {library}")


@functools.cache
def linked_packages(program: Path) -> set[str]:
    """Of the libraries that the program itself names; theirs come with them."""
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", str(program))))
    paths = dict(re.findall(r"^\s*(\S+) => (/\S+)", output("ldd", str(program)), re.MULTILINE))
    return {package_of(paths[name]) for name in needed if name in paths} - ALWAYS_THERE


class DockerfileTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stages = read_stages(DOCKERFILE.read_text(encoding="utf-8"))

    def stage(self, name: str) -> Stage:
        return self.stages[name]

    def with_bases(self, name: str) -> set[str]:
        """What is installed there and in the stages that it is based on."""
        if name not in self.stages:
            return set()
        return self.stage(name).installed | self.with_bases(self.stage(name).base)

    def programs(self, target: str) -> set[str]:
        return {Path(path).name for path in self.stage(target).copied if "/usr/bin/" in path}

    def test_the_libraries_are_those_that_the_programs_link_to(self) -> None:
        for target in TARGETS:
            linked = set().union(*(linked_packages(BIN / name) for name in self.programs(target)))
            listed = self.with_bases(target)
            with self.subTest(target=target):
                self.assertEqual(linked - listed, set(), "not installed")
                # A shared stage has what more than one target needs.
                shared = self.with_bases(self.stage(target).base)
                self.assertLessEqual(listed - linked, shared, "not needed")
        needed = [linked_packages(BIN / name) for target in TARGETS for name in self.programs(target)]
        for package in self.with_bases("service"):
            self.assertGreater(sum(package in packages for packages in needed), 1, package)

    def test_the_programs_start_what_they_are_named_after(self) -> None:
        for target, program in (("controller", "hotplugger-controller"),
                                ("agent", "hotplugger-agent"), ("hotplugctl", "hotplugctl")):
            self.assertEqual(self.stage(target).entrypoint, [f"/usr/bin/{program}"])
            self.assertIn(program, self.programs(target))
        # Beside the agent, which looks for it there, and for probes and people.
        self.assertEqual(self.programs("agent"),
                         {"hotplugger-agent", "hotplugger-writer", "hotplugctl"})
        self.assertIn("/out/usr/share/hotplugger", self.stage("agent").copied)

    def test_they_expose_what_the_pods_have(self) -> None:
        for pod in kustomize.pods(kustomize.render(DEPLOY / "kubernetes/base")):
            for container in pod["spec"]["containers"]:
                ports = {port["containerPort"] for port in container["ports"]}
                self.assertEqual(self.stage(container["name"]).exposed, ports)
        self.assertEqual(self.stage("hotplugctl").exposed, set())

    def test_one_compile_serves_all(self) -> None:
        """Nothing before the compiling differs from one target to the next."""
        text = DOCKERFILE.read_text(encoding="utf-8")
        build = text[text.index(" AS build\n"):text.index(" AS runtime\n")]
        self.assertEqual(re.findall(r"^ARG (\w+)", build, re.MULTILINE), ["JOBS"])
        self.assertEqual(build.count("cmake --build"), 1)
        for target in TARGETS:
            self.assertIn("--from=build", text[text.index(f" AS {target}\n"):])

    def test_nobody_but_the_agent_is_root(self) -> None:
        self.assertEqual({target: self.stage(target).user for target in TARGETS},
                         {"controller": "65532:65532", "agent": "0:0", "hotplugctl": "65532:65532"})
        [controller] = [pod["spec"] for pod in kustomize.pods(kustomize.render(
            DEPLOY / "kubernetes/base")) if pod["spec"]["containers"][0]["name"] == "controller"]
        self.assertEqual(controller["securityContext"]["runAsUser"], 65532)

    def test_all_are_debian_slim_and_labelled(self) -> None:
        for name, stage in self.stages.items():
            self.assertIn(stage.base, {"debian:bookworm-slim", "runtime", "service"}, name)
        for target in TARGETS:
            labels = self.stage("runtime").labels | self.stage(target).labels
            for label in ("title", "description", "vendor", "licenses", "version", "revision"):
                self.assertIn(f"org.opencontainers.image.{label}", labels, target)

    def test_what_the_build_installs_is_what_building_takes(self) -> None:
        [expression] = re.findall(r"sed '([^']+)' scripts/packages.txt",
                                  DOCKERFILE.read_text(encoding="utf-8"))
        packages = set(output("sed", expression, str(SOURCE / "scripts/packages.txt")).split("\n"))
        for needed in ("build-essential", "cmake", "python3", "libgrpc++-dev", "libgtest-dev"):
            self.assertIn(needed, packages)
        self.assertNotIn("qemu-system-x86", packages)

    def test_the_version_of_the_manifests_is_the_project_s(self) -> None:
        [version] = re.findall(r"^project\(hotplugger VERSION (\S+)",
                               (SOURCE / "CMakeLists.txt").read_text(), re.MULTILINE)
        for pod in kustomize.pods(kustomize.render(DEPLOY / "kubernetes/base")):
            for container in pod["spec"]["containers"]:
                self.assertEqual(container["image"].rpartition(":")[2], version)


if __name__ == "__main__":
    unittest.main()
