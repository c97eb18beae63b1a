"""What Hotplugger's own objects in Kubernetes must be like: each rule lists what breaks it."""

from collections.abc import Callable, Iterator
from typing import Any

from .kustomize import Object, pods

AGENT = "hotplugger-agent"
CONTROLLER = "hotplugger-controller"


def containers(objects: list[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Name, pod and container of each."""
    for pod in pods(objects):
        for container in pod["spec"]["containers"]:
            yield container["name"], pod["spec"], container


def agent_pod(objects: list[Object]) -> Object:
    [pod] = [pod for pod in pods(objects) if _labels(pod).get("app.kubernetes.io/name") == AGENT]
    return pod["spec"]


def host_paths(pod: Object) -> dict[str, bool]:
    """The node's folders that a pod mounts, and whether it may write there."""
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"]
             if "hostPath" in volume}
    return {paths[mount["name"]]: not mount.get("readOnly", False)
            for container in pod["containers"] for mount in container["volumeMounts"]
            if mount["name"] in paths}


def _labels(item: Object) -> dict[str, str]:
    return item.get("metadata", {}).get("labels", {})


def no_rights_beyond_need(objects: list[Object]) -> list[str]:
    problems = []
    for name, pod, container in containers(objects):
        security = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
        wanted = {
            "privileged": not security.get("privileged", False),
            "allowPrivilegeEscalation": security.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem": security.get("readOnlyRootFilesystem") is True,
            "capabilities": security.get("capabilities") == {"drop": ["ALL"]},
            "seccompProfile": security.get("seccompProfile") == {"type": "RuntimeDefault"},
            "automountServiceAccountToken": pod.get("automountServiceAccountToken") is False,
            "runAsNonRoot": name == "agent" or security.get("runAsNonRoot") is True,
        }
        wanted |= {key: not pod.get(key, False) for key in ("hostNetwork", "hostPID", "hostIPC")}
        problems += [f"{name}: {key}" for key, right in wanted.items() if not right]
    return problems


def no_rights_at_the_api_server(objects: list[Object]) -> list[str]:
    return [f"{item['kind']} {item['metadata']['name']}" for item in objects
            if item["apiVersion"].startswith("rbac.")]


def only_the_agent_mounts_the_node(objects: list[Object]) -> list[str]:
    return [f"{name}: {volume['name']}" for name, pod, _ in containers(objects) if name != "agent"
            for volume in pod.get("volumes", []) if "hostPath" in volume]


def mounts_are_folders(objects: list[Object]) -> list[str]:
    """A single file of /sys may be missing in a kernel, and would keep the pod from starting."""
    return [f"{volume['name']}: {volume['hostPath'].get('type')}"
            for volume in agent_pod(objects)["volumes"] if "hostPath" in volume
            and volume["hostPath"].get("type") not in ("Directory", "DirectoryOrCreate")]


def volumes_and_mounts_match(objects: list[Object]) -> list[str]:
    problems = []
    claims = {claim["metadata"]["name"] for item in objects
              for claim in item.get("spec", {}).get("volumeClaimTemplates", [])}
    for name, pod, container in containers(objects):
        there = {volume["name"] for volume in pod.get("volumes", [])} | claims
        used = {mount["name"] for mount in container.get("volumeMounts", [])}
        problems += [f"{name}: {volume}" for volume in (used - there)]
        problems += [f"{name}: {volume} is not mounted" for volume in (there - claims - used)]
    return problems


def probes_ask_for_health(objects: list[Object]) -> list[str]:
    """By gRPC, on the port that has nothing else, of the program as a whole."""
    problems = []
    for name, _, container in containers(objects):
        health = [port["containerPort"] for port in container.get("ports", []) if port["name"] == "health"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            if [container.get(kind, {}).get("grpc")] != [{"port": port} for port in health]:
                problems.append(f"{name}: {kind}")
    return problems


def ports_are_those_of_the_arguments(objects: list[Object]) -> list[str]:
    """Each --…listen= has its port, on all addresses, since nobody is in the pod to dial loopback."""
    problems = []
    for name, _, container in containers(objects):
        listened = {argument.partition("=")[2] for argument in container["args"]
                    if argument.partition("=")[0].endswith("listen")}
        ports = {f"0.0.0.0:{port['containerPort']}" for port in container.get("ports", [])}
        problems += [f"{name}: {address}" for address in sorted(listened ^ ports)]
    return problems


def who_is_scraped_is_named(objects: list[Object]) -> list[str]:
    """An agent tells the controller's /sd where it is reached, which is not where it listens."""
    [arguments] = [container["args"] for name, _, container in containers(objects) if name == "agent"]
    [port] = [text.rpartition(":")[2] for text in arguments if text.startswith("--metrics-listen=")] or [""]
    return [] if f"--metrics-address=$(POD_IP):{port}" in arguments else ["--metrics-address"]


def resources_are_set(objects: list[Object]) -> list[str]:
    problems = []
    for name, _, container in containers(objects):
        resources = container.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        if not {"cpu", "memory"} <= set(requests) or "memory" not in limits:
            problems.append(f"{name}: requests or limits")
        if "cpu" in limits:
            problems.append(f"{name}: a limit of CPU")
    return problems


def images_have_a_version(objects: list[Object]) -> list[str]:
    return [f"{name}: {container['image']}" for name, _, container in containers(objects)
            if container["image"].rpartition(":")[2] in ("", "latest", container["image"])]


def names_lead_somewhere(objects: list[Object]) -> list[str]:
    """Config maps, accounts, selectors and ports that name something have it."""
    problems = []
    there = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for pod in pods(objects):
        spec = pod["spec"]
        wanted = [("ServiceAccount", spec["serviceAccountName"])]
        wanted += [("ConfigMap", volume["configMap"]["name"])
                   for volume in spec.get("volumes", []) if "configMap" in volume]
        problems += [f"{kind} {name}" for kind, name in wanted if (kind, name) not in there]
    for item in objects:
        spec = item.get("spec", {})
        selector = {"Service": spec.get("selector"), "NetworkPolicy": spec.get("podSelector"),
                    "PodMonitor": spec.get("selector")}.get(item["kind"])
        if selector is None:
            continue
        labels = selector.get("matchLabels", selector)
        chosen = [pod for pod in pods(objects) if labels.items() <= _labels(pod).items()]
        if not chosen:
            problems.append(f"{item['kind']} {item['metadata']['name']} chooses no pod")
        ports = {port["name"] for pod in chosen for container in pod["spec"]["containers"]
                 for port in container.get("ports", [])}
        for port in spec.get("ports", []) + spec.get("podMetricsEndpoints", []):
            named = port.get("targetPort", port.get("port"))
            if isinstance(named, str) and named not in ports:
                problems.append(f"{item['kind']} {item['metadata']['name']}: port {named}")
    return problems


def everything_is_in_the_namespace(objects: list[Object]) -> list[str]:
    [namespace] = [item["metadata"]["name"] for item in objects if item["kind"] == "Namespace"]
    return [f"{item['kind']} {item['metadata']['name']}" for item in objects
            if item["kind"] != "Namespace" and item["metadata"].get("namespace") != namespace]


def agents_stay_on_their_nodes(objects: list[Object]) -> list[str]:
    [daemons] = [item["spec"] for item in objects if item["kind"] == "DaemonSet"]
    pod = agent_pod(objects)
    wanted = {
        "priorityClassName": pod.get("priorityClassName") == "system-node-critical",
        "tolerations": {"operator": "Exists"} in pod.get("tolerations", []),
        "maxUnavailable": daemons.get("updateStrategy", {}).get("rollingUpdate", {}).get(
            "maxUnavailable") == "10%",
        "terminationGracePeriodSeconds": pod.get("terminationGracePeriodSeconds", 30) >= 60,
    }
    return [key for key, right in wanted.items() if not right]


def one_controller(objects: list[Object]) -> list[str]:
    """Its store is a file, and two on copies of it would turn away each other's nodes."""
    return [f"{item['kind']}: {item['spec'].get('replicas')}" for item in objects
            if item["metadata"]["name"] == CONTROLLER and "template" in item.get("spec", {})
            and (item["kind"], item["spec"].get("replicas")) != ("StatefulSet", 1)]


def both_programs_are_closed_off(objects: list[Object]) -> list[str]:
    """Plaintext: whoever reaches the port rules the fleet."""
    closed = {item["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: item["spec"]
              for item in objects if item["kind"] == "NetworkPolicy"
              and set(item["spec"]["policyTypes"]) == {"Ingress", "Egress"}}
    problems = [name for name in (AGENT, CONTROLLER) if name not in closed]
    problems += [f"{name}: anybody may call" for name, spec in closed.items()
                 if any("from" not in rule for rule in spec.get("ingress", []))]
    return problems


Rule = Callable[[list[Object]], list[str]]
RULES: tuple[Rule, ...] = (
    no_rights_beyond_need, no_rights_at_the_api_server, only_the_agent_mounts_the_node,
    mounts_are_folders, volumes_and_mounts_match, probes_ask_for_health,
    ports_are_those_of_the_arguments, who_is_scraped_is_named, resources_are_set,
    images_have_a_version, names_lead_somewhere, everything_is_in_the_namespace,
    agents_stay_on_their_nodes, one_controller, both_programs_are_closed_off)
