"""Renders deploy/kubernetes without kustomize, which Debian 12 lacks (its kubectl is too old).

Only what is used there is understood; anything else is an error. `make conformance` holds the result
against that of the real kustomize.
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
KNOWN = {"apiVersion", "kind", "resources", "components", "configMapGenerator", "images", "patches"}
# kustomize keeps vowels and what looks like them out of its digests.
DIGITS = str.maketrans({"0": "g", "1": "h", "3": "k", "a": "m", "e": "t"})


class NotUnderstood(Exception):
    """Something that this renderer has not been taught."""


def render(folder: Path) -> list[Object]:
    """The objects of a folder with a kustomization.yaml."""
    return _render(folder, [])


def _render(folder: Path, objects: list[Object]) -> list[Object]:
    """`objects` are those that a component is added to."""
    file = folder / "kustomization.yaml"
    wanted = yaml.safe_load(file.read_text(encoding="utf-8"))
    if unknown := set(wanted) - KNOWN:
        raise NotUnderstood(f"{file}: {', '.join(sorted(unknown))}")
    objects = list(objects)
    for name in wanted.get("resources", []):
        path = folder / name
        objects += render(path) if path.is_dir() else _documents(path)
    renamed = {}
    for generator in wanted.get("configMapGenerator", []):
        made = _config_map(folder, generator)
        renamed[generator["name"]] = made["metadata"]["name"]
        objects.append(made)
    for name in wanted.get("components", []):
        objects = _render(folder / name, objects)
    for patch in wanted.get("patches", []):
        _patch(objects, patch, file)
    for pod in pods(objects):
        _name_config_maps(pod, renamed)
        _name_images(pod, wanted.get("images", []))
    return objects


def _documents(path: Path) -> list[Object]:
    return [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item is not None]


def pods(objects: list[Object]) -> Iterator[Object]:
    """The pod templates of whatever makes pods."""
    for item in objects:
        template = item.get("spec", {}).get("template")
        if isinstance(template, dict) and "containers" in template.get("spec", {}):
            yield template


def find(objects: list[Object], kind: str, name: str) -> Object:
    """The only object of that kind and name."""
    [found] = [item for item in objects
               if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def _config_map(folder: Path, generator: Mapping[str, Any]) -> Object:
    if unknown := set(generator) - {"name", "namespace", "files", "options"}:
        raise NotUnderstood(f"configMapGenerator: {', '.join(sorted(unknown))}")
    data = {name: (folder / name).read_text(encoding="utf-8") for name in generator["files"]}
    # The name is empty there, in kustomize too.
    digested = {"data": data, "kind": "ConfigMap", "name": ""}
    text = json.dumps(digested, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":  # as Go's encoder writes them
        text = text.replace(character, f"\\u{ord(character):04x}")
    digest = hashlib.sha256(text.encode()).hexdigest()[:10].translate(DIGITS)
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": f"{generator['name']}-{digest}", "namespace": generator["namespace"],
                         "labels": dict(generator.get("options", {}).get("labels", {}))}}


def _name_config_maps(pod: Object, renamed: Mapping[str, str]) -> None:
    for volume in pod["spec"].get("volumes", []):
        if "configMap" in volume:
            name = volume["configMap"]["name"]
            volume["configMap"]["name"] = renamed.get(name, name)


def _name_images(pod: Object, images: list[Mapping[str, str]]) -> None:
    for container in pod["spec"]["containers"]:
        for image in images:
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"


def _patch(objects: list[Object], patch: Mapping[str, Any], file: Path) -> None:
    target = find(objects, patch["target"]["kind"], patch["target"]["name"])
    for step in yaml.safe_load(patch["patch"]):
        *parents, last = step["path"].strip("/").split("/")
        place: Any = target
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place[key]
        if step["op"] != "add" or (isinstance(place, list) and last != "-"):
            raise NotUnderstood(f"{file}: {step['op']} at {step['path']}")
        if isinstance(place, list):
            place.append(copy.deepcopy(step["value"]))
        else:
            place[last] = copy.deepcopy(step["value"])
