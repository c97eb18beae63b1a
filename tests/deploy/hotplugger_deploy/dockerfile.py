"""The stages of our Dockerfile, as far as tests ask about them."""

import json
import re
import shlex
from dataclasses import dataclass, field


@dataclass
class Stage:
    """What one FROM begins."""

    base: str
    installed: set[str] = field(default_factory=set)
    copied: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    exposed: set[int] = field(default_factory=set)
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)


def read_stages(text: str) -> dict[str, Stage]:
    """By name, in order."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    stages: dict[str, Stage] = {}
    stage = Stage("")
    for line in filter(str.strip, lines):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.split()
            stage = stages[name] = Stage(base)
        elif word == "RUN":
            for command in re.split(r"&&", rest):
                words = shlex.split(command)
                if words[:2] == ["apt-get", "install"]:
                    stage.installed |= {name for name in words[2:] if not name.startswith("-")}
        elif word == "COPY":
            stage.copied |= {name for name in rest.split()[:-1] if not name.startswith("--")}
        elif word == "LABEL":
            stage.labels |= {item.partition("=")[0] for item in shlex.split(rest)}
        elif word == "EXPOSE":
            stage.exposed |= {int(port) for port in rest.split()}
        elif word == "USER":
            stage.user = rest.strip()
        elif word == "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
    return stages
