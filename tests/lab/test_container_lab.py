#!/usr/bin/env python3
"""The agent as the DaemonSet of deploy/kubernetes starts it: in runc, with the mounts, the capabilities
and the seccomp profile that its pod gets, on a real kernel.

Two things are another here than in a cluster: the container has the guest's own network, and the
controller's address is the lab's.
"""

import copy
import re
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, ClassVar

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "deploy"))

from hotplugger_deploy import KUBERNETES, kustomize, oci, rules  # noqa: E402
from hotplugger_lab import GuestOptions, container, health  # noqa: E402
from hotplugger_lab.fleet_case import SETTLE_SECONDS, FleetCase, build_dir  # noqa: E402

NODE = "node"
# As few as can tell the ConfigMap's limits from the agent's own.
ALL_CPUS = set(range(5))
# What QEMU's network gives a guest.
ADDRESS = "10.0.2.15"
CONFIG_FOLDER = "/run/lab/config"
# Well below the minute after which an agent looks by itself.
UEVENT_SECONDS = 30.0


class ContainerTest(FleetCase):
    cpus = ALL_CPUS
    objects: ClassVar[list[dict[str, Any]]]
    pod: ClassVar[dict[str, Any]]
    runtime: ClassVar[Path]
    container: ClassVar[container.Container]

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="hotplugger-lab-")
        cls.addClassCleanup(folder.cleanup)
        lab_dir = build_dir().absolute() / "lab"
        cls.runtime = container.prepare_runtime(lab_dir)
        disk = Path(folder.name) / "image.img"
        container.make_disk(build_dir().absolute(), cls.runtime, disk)
        cls.wanted = {NODE: GuestOptions(cpus=len(ALL_CPUS), agent=False, agent_config=None,
                                         qemu_arguments=container.disk_arguments(disk))}
        super().setUpClass()
        cls.objects = kustomize.render(KUBERNETES / "base")
        cls.pod = rules.agent_pod(cls.objects)
        cls.container = container.Container(cls.guests[NODE])
        cls.container.mount_disk()
        for path in oci.folders_to_create(cls.pod):
            cls.guests[NODE].check(f"mkdir -p {path}")
        [config_map] = [item for item in cls.objects if item["kind"] == "ConfigMap"]
        cls.container.put_folder(CONFIG_FOLDER, config_map["data"])
        cls.container.start(cls.config(cls.pod))

    @classmethod
    def config(cls, pod: dict[str, Any]) -> dict[str, Any]:
        return oci.config(pod, container.NAME, container.ROOTFS, container.ENTRYPOINT,
                          {"spec.nodeName": NODE, "status.podIP": ADDRESS}, {"config": CONFIG_FOLDER},
                          container.seccomp_profile(cls.runtime), cls.argument)

    @classmethod
    def argument(cls, text: str) -> str:
        """10.0.2.2 is what QEMU's network calls this machine's loopback."""
        return text.replace("=hotplugger-controller:7443", f"=10.0.2.2:{cls.controller.port}")

    def restart(self, config: dict[str, Any]) -> None:
        self.container.stop()
        self.container.start(config)

    # What it does.

    def test_it_takes_a_cpu_offline_and_brings_it_back(self) -> None:
        guest = self.guest(NODE)
        self.control.check("offline", NODE, "cpu3", "--reason", "machine checks")
        self.wait_in_sync()
        self.assertEqual(guest.cpus_online(), ALL_CPUS - {3})
        self.control.check("release", NODE, "cpu3")
        self.wait_cpus(guest, ALL_CPUS)

    def test_its_limits_are_those_of_the_config_map(self) -> None:
        """Half of the CPUs stay online there; the agent's own default is a quarter."""
        answer = self.host(NODE).run("offline", "cpu2", "cpu3", "cpu4", "--dry-run")
        self.assertNotEqual(answer.status, 0)
        self.assertIn("LIMIT_MIN_ONLINE_CPU_PERCENT", answer.out + answer.err)

    def test_the_probes_the_node_and_a_person_in_it_reach_it(self) -> None:
        [found] = self.pod["containers"]
        [port] = {found[name]["grpc"]["port"]
                  for name in ("startupProbe", "readinessProbe", "livenessProbe")}
        self.guest(NODE).wait_until(lambda: health.serves(self.guest(NODE), port), SETTLE_SECONDS,
                                    "the agent says that it serves")
        self.assertIn("CPUs online:   0-4", self.host(NODE).check("cpus"))
        status, output = self.container.run("/usr/bin/hotplugctl", "--host", "get", "cpu0")
        self.assertEqual(status, 0, output)

    def test_prometheus_and_sd_are_told_where_it_is(self) -> None:
        [metrics] = [port["containerPort"] for port in self.pod["containers"][0]["ports"]
                     if port["name"] == "metrics"]
        text = self.guest(NODE).check(f"wget -q -O - http://{ADDRESS}:{metrics}/metrics")
        self.assertIn('hotplugger_agent_cpu_online{cpu="3"} 1', text)
        [told] = self.controller.targets()
        self.assertEqual(told["targets"], [f"{ADDRESS}:{metrics}"])
        self.assertEqual(told["labels"]["__meta_hotplugger_node"], NODE)

    def test_it_sees_and_undoes_a_change_in_a_network_of_its_own_and_without_a_controller(self) -> None:
        """As in a pod, whose network is not the node's: uevents come there, too."""
        guest = self.guest(NODE)
        self.control.check("offline", NODE, "cpu3")
        self.wait_in_sync()
        self.container.stop()
        self.assertEqual(guest.cpus_online(), ALL_CPUS - {3}, "an agent that ends leaves all as it is")
        apart = self.config(self.pod)
        apart["linux"]["namespaces"].append({"type": "network"})
        self.container.start(apart)
        try:
            self.wait_serving()
            guest.check("echo 1 >/sys/devices/system/cpu/cpu3/online")
            guest.wait_until(lambda: guest.cpus_online() == ALL_CPUS - {3}, UEVENT_SECONDS,
                             "cpu3 is off again")
        finally:
            self.restart(self.config(self.pod))
        self.control.check("release", NODE, "cpu3")
        self.wait_cpus(guest, ALL_CPUS)

    def wait_serving(self) -> None:
        self.guest(NODE).wait_until(lambda: self.host(NODE).run("get", "cpu0").status == 0, SETTLE_SECONDS,
                                    "the agent serves")

    # What it has.

    def test_it_and_its_writer_have_no_capability_and_get_none(self) -> None:
        # The writer is started when there is something to write.
        self.host(NODE).check("offline", "cpu3")
        self.host(NODE).check("online", "cpu3")
        pids = self.guest(NODE).check(f"cat /sys/fs/cgroup{oci.CGROUP}/cgroup.procs").split()
        self.assertEqual(len(pids), 2, pids)
        for pid in pids:
            status = dict(line.split(":\t", 1) for line in self.guest(NODE).check(
                f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
            for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[key], 16), 0, key)
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))

    def test_of_the_node_it_may_write_these_folders_alone(self) -> None:
        text = self.guest(NODE).check(f"cat /proc/{self.container.pid()}/mountinfo")
        writable = set()
        for line in text.splitlines():
            words = line.split()
            kind = words[words.index("-") + 1]
            if "rw" in words[5].split(",") and kind not in ("tmpfs", "devpts", "proc"):
                writable.add(words[4])
        wanted = {path for path, write in rules.host_paths(self.pod).items() if write}
        # On a node /run is a tmpfs; in a guest all of the root is.
        self.assertEqual(writable | {"/run/hotplugger"}, wanted)
        self.assertRegex(text, re.compile(r" /sys ro,", re.MULTILINE))

    # What it says where it may not.

    def test_where_sys_is_read_only_it_says_so_before_it_is_asked_for_anything(self) -> None:
        pod = copy.deepcopy(self.pod)
        for mount in pod["containers"][0]["volumeMounts"]:
            if mount["mountPath"].startswith("/sys"):
                mount["readOnly"] = True
        self.restart(self.config(pod))
        try:
            self.wait_in_sync()
            self.guest(NODE).wait_until(lambda: "SYSFS_READ_ONLY" in self.conditions(),
                                        SETTLE_SECONDS, "the node has the condition")
        finally:
            self.restart(self.config(self.pod))
        self.wait_in_sync()
        self.guest(NODE).wait_until(lambda: "SYSFS_READ_ONLY" not in self.conditions(),
                                    SETTLE_SECONDS, "the condition is gone")

    def conditions(self) -> dict[str, str]:
        """Of the node, as the controller has them: message by kind."""
        return {item["type"]: item["message"]
                for item in self.control.node(NODE).get("conditions", [])}


if __name__ == "__main__":
    unittest.main()
