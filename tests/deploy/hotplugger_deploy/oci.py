"""A container as the kubelet and its runtime would start it: a pod's object as an OCI config.

What a runtime adds by itself (its masks, its own mounts, its seccomp profile) is as containerd does it.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .kustomize import Object

MASKED = ("/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys",
          "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
          "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
# Of a pod that is critical to its node.
CRITICAL_OOM_SCORE = -997
CGROUP = "/kubepods/hotplugger"
SAFE = ("nosuid", "noexec", "nodev")
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def runtime_mounts() -> list[Object]:
    """What every container gets. /sys is read-only."""
    def mount(path: str, kind: str, *options: str) -> Object:
        return {"destination": path, "type": kind, "source": kind, "options": list(options)}

    return [
        mount("/proc", "proc", *SAFE),
        mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
        mount("/dev/shm", "tmpfs", *SAFE, "mode=1777", "size=65536k"),
        mount("/sys", "sysfs", *SAFE, "ro"),
        mount("/sys/fs/cgroup", "cgroup", *SAFE, "relatime", "ro"),
    ]


def node_mounts(pod: Object, container: Object, volumes: Mapping[str, str]) -> list[Object]:
    """What the pod asks for. `volumes`: where the node keeps those that are no folders of its own."""
    sources = {**volumes, **{volume["name"]: volume["hostPath"]["path"]
                             for volume in pod.get("volumes", []) if "hostPath" in volume}}
    mounts = [{"destination": mount["mountPath"], "type": "bind", "source": sources[mount["name"]],
               "options": ["rbind", "rprivate", "ro" if mount.get("readOnly") else "rw"]}
              for mount in container["volumeMounts"]]
    # The shorter ones first, so that none hides another.
    return sorted(mounts, key=lambda mount: mount["destination"].count("/"))


def folders_to_create(pod: Object) -> list[str]:
    """What the kubelet makes on the node where it is missing."""
    return [volume["hostPath"]["path"] for volume in pod["volumes"]
            if volume.get("hostPath", {}).get("type") == "DirectoryOrCreate"]


def capabilities(security: Object) -> list[str]:
    """The kept ones. Only a container that drops all of them at first is understood."""
    asked = security["capabilities"]
    if asked["drop"] != ["ALL"]:
        raise ValueError(f"capabilities {asked}")
    return [f"CAP_{name}" for name in asked.get("add", [])]


def seccomp(profile: Path, kept: list[str], architecture: str = "amd64") -> Object:
    """The runtimes' default profile for these capabilities, as they resolve it."""
    default = json.loads(profile.read_text(encoding="utf-8"))

    def applies(rule: Object) -> bool:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        return (set(includes.get("caps", [])) <= set(kept)
                and architecture in includes.get("arches", [architecture])
                and not set(excludes.get("caps", [])) & set(kept)
                and architecture not in excludes.get("arches", []))

    fields = ("names", "action", "errnoRet", "args")
    rules = [{key: rule[key] for key in fields if rule.get(key)}
             for rule in default["syscalls"] if applies(rule)]
    return {"defaultAction": default["defaultAction"], "defaultErrnoRet": default["defaultErrnoRet"],
            "architectures": ["SCMP_ARCH_X86_64"], "syscalls": rules}


def memory_limit(container: Object) -> int:
    text = container["resources"]["limits"]["memory"]
    return int(text[:-2]) * UNITS[text[-2:]]


def config(pod: Object, name: str, rootfs: str, entrypoint: list[str], fields: Mapping[str, str],
           volumes: Mapping[str, str], profile: Path,
           argument: Callable[[str], str] = lambda text: text) -> Object:
    """`fields` is the downward API, `argument` what the test's own network makes of an argument."""
    [container] = [item for item in pod["containers"] if item["name"] == name]
    security = {**pod.get("securityContext", {}), **container["securityContext"]}
    kept = capabilities(security)
    values = {item["name"]: fields[item["valueFrom"]["fieldRef"]["fieldPath"]]
              for item in container.get("env", [])}
    arguments = []
    for text in container["args"]:
        for key, value in values.items():
            text = text.replace(f"$({key})", value)
        arguments.append(argument(text))
    own = {"pid", "ipc", "uts", "mount", "cgroup"}
    own -= {kind for kind, key in (("pid", "hostPID"), ("ipc", "hostIPC")) if pod.get(key)}
    theirs = node_mounts(pod, container, volumes)
    overridden = {mount["destination"] for mount in theirs}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": security["runAsUser"], "gid": security["runAsGroup"]},
            "args": [*entrypoint, *arguments],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    *(f"{key}={value}" for key, value in values.items())],
            "cwd": "/",
            "capabilities": {key: kept for key in ("bounding", "effective", "permitted")},
            "noNewPrivileges": security["allowPrivilegeEscalation"] is False,
            "oomScoreAdj": (CRITICAL_OOM_SCORE
                            if pod.get("priorityClassName") == "system-node-critical" else 0),
        },
        "root": {"path": rootfs, "readonly": security["readOnlyRootFilesystem"]},
        "hostname": fields["spec.nodeName"],
        "mounts": [*(mount for mount in runtime_mounts() if mount["destination"] not in overridden),
                   *theirs],
        "linux": {
            "namespaces": [{"type": kind} for kind in sorted(own)],
            "cgroupsPath": CGROUP,
            "resources": {"devices": [{"allow": False, "access": "rwm"}],
                          "memory": {"limit": memory_limit(container)}},
            "seccomp": seccomp(profile, kept),
            "maskedPaths": list(MASKED),
            "readonlyPaths": list(READ_ONLY),
        },
    }
