"""The lab's command line: arguments in, words and an exit status out."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from .errors import LabError
from .guest import BOOT_SECONDS, COMMAND_SECONDS, Guest
from .lab import Lab, guests_of, prepare
from .options import GuestOptions
from .recorded_hosts import FOLDER, HOSTS, record_hosts


def main(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    try:
        return arguments.action(arguments) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 125
    except KeyboardInterrupt:
        return 130


def _prepare(arguments: argparse.Namespace) -> None:
    prepare(arguments.build_dir, arguments.refresh)


def _record(arguments: argparse.Namespace) -> None:
    record_hosts(arguments.build_dir, arguments.names, arguments.output,
                 lambda text: print(f"lab: {text}", file=sys.stderr))


def _start(arguments: argparse.Namespace) -> None:
    options = GuestOptions(
        cpus=arguments.cpus, memory=arguments.memory, smp=arguments.smp, cpu_model=arguments.cpu,
        kernel_arguments=tuple(arguments.append), qemu_arguments=tuple(arguments.qemu_arg),
        agent=not arguments.no_agent, controller_port=arguments.controller_port,
        labels=dict(_label(text) for text in arguments.label),
        agent_arguments=tuple(arguments.agent_arg))
    if arguments.agent_config:
        options = replace(options, agent_config=_read(arguments.agent_config))
    lab = Lab(arguments.build_dir, arguments.run_dir, outlive_us=True)
    lab.start(arguments.names, options, arguments.deadline)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from error


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise LabError(f"a label is key=value, not {text!r}")
    return key, value


def _run(arguments: argparse.Namespace) -> int:
    words = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not words:
        raise LabError("run: a command is missing")
    guest = Guest(arguments.run_dir, arguments.name)
    status, output = guest.run_bytes(" ".join(words), arguments.deadline)
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    return status


def _link(arguments: argparse.Namespace) -> None:
    Guest(arguments.run_dir, arguments.name).link(arguments.state == "on")


def _hot_add(arguments: argparse.Namespace) -> None:
    guest = Guest(arguments.run_dir, arguments.name)
    if arguments.what == "cpu":
        guest.hot_add_cpu()
    else:
        guest.hot_add_memory(arguments.mib)


def _reboot(arguments: argparse.Namespace) -> None:
    begun = time.monotonic()
    Guest(arguments.run_dir, arguments.name).reboot(arguments.deadline)
    print(f"{arguments.name}: ready again after {time.monotonic() - begun:.1f} s", file=sys.stderr)


def _stop(arguments: argparse.Namespace) -> None:
    guests = [Guest(arguments.run_dir, name) for name in arguments.names] or guests_of(arguments.run_dir)
    for guest in guests:
        print(f"{guest.name}: {'stopped' if guest.stop() else 'did not run'}", file=sys.stderr)


def _status(arguments: argparse.Namespace) -> None:
    for guest in guests_of(arguments.run_dir):
        print(f"{guest.name:20} {_condition(guest)}")


def _condition(guest: Guest) -> str:
    if not guest.is_running():
        return "stopped"
    try:
        status, output = guest.run("cat /sys/devices/system/cpu/online /run/lab/agent.pid", 5)
    except LabError as error:
        return f"running, no answer: {str(error).splitlines()[0]}"
    cpus, *rest = output.splitlines() or ["?"]
    agent = f"agent pid {rest[0]}" if status == 0 and rest else "no agent"
    return f"ready, cpus {cpus}, {agent}"


def _console(arguments: argparse.Namespace) -> None:
    guest = Guest(arguments.run_dir, arguments.name)
    shown = guest.console() if arguments.lines == 0 else guest.console_tail(arguments.lines)
    print(shown.rstrip("\n"), flush=True)
    if not arguments.follow:
        return
    with open(guest.folder / "console.log", encoding="utf-8", errors="replace") as file:
        file.seek(0, 2)
        while guest.is_running():
            print(file.read().replace("\r", ""), end="", flush=True)
            time.sleep(0.2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab.py", description="Boots real Linux guests with Hotplugger in them.",
        epilog="Exit status 125: the lab itself failed. `run` exits with its command's status.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = _command(commands, "prepare", _prepare, "download the kernel, build the module and the image")
    _build_dir(command)
    command.add_argument("--refresh", action="store_true", help="look for a newer kernel")

    command = _command(commands, "record", _record,
                       "boot guests of known shapes and record what Hotplugger reads of them")
    _build_dir(command)
    command.add_argument("names", nargs="*", metavar="NAME", help=f"all of: {', '.join(HOSTS)}")
    command.add_argument("--output", type=Path, default=FOLDER, metavar="FOLDER")

    command = _command(commands, "start", _start, "boot guests side by side and wait until they are ready")
    _build_dir(command)
    _run_dir(command)
    command.add_argument("names", nargs="+", metavar="NAME")
    command.add_argument("--cpus", type=int, default=GuestOptions.cpus)
    command.add_argument("--memory", default=GuestOptions.memory, help="QEMU's -m (MiB)")
    command.add_argument("--smp", help="QEMU's -smp, instead of --cpus")
    command.add_argument("--cpu", metavar="MODEL", help="QEMU's -cpu")
    command.add_argument("--append", action="append", default=[], metavar="KERNELARG")
    command.add_argument("--qemu-arg", action="append", default=[], metavar="ARG")
    command.add_argument("--no-agent", action="store_true")
    command.add_argument("--controller-port", type=int, metavar="P", help="on this machine's loopback")
    command.add_argument("--label", action="append", default=[], metavar="K=V")
    command.add_argument("--agent-arg", action="append", default=[], metavar="ARG",
                         help="one word of the agent's command line; write --agent-arg=--word")
    command.add_argument("--agent-config", type=Path, metavar="FILE",
                         help="the guests' agent.yaml (as it is: limits that hardly limit)")
    _deadline(command, BOOT_SECONDS)

    command = _command(commands, "run", _run, "run a shell command in a guest (needs no network)")
    _run_dir(command)
    _deadline(command, COMMAND_SECONDS)
    command.add_argument("name", metavar="NAME")
    command.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD...")

    command = _command(commands, "link", _link, "plug a guest's network cable in or out")
    _run_dir(command)
    command.add_argument("name", metavar="NAME")
    command.add_argument("state", choices=["on", "off"])

    command = _command(commands, "hot-add", _hot_add, "plug a CPU or a DIMM into a running guest")
    _run_dir(command)
    command.add_argument("name", metavar="NAME")
    command.add_argument("what", choices=["cpu", "memory"])
    command.add_argument("--mib", type=int, default=256)

    command = _command(commands, "reboot", _reboot, "reset a guest the hard way and wait until it is back")
    _run_dir(command)
    _deadline(command, BOOT_SECONDS)
    command.add_argument("name", metavar="NAME")

    command = _command(commands, "stop", _stop, "stop guests (all of the run folder when none is named)")
    _run_dir(command)
    command.add_argument("names", nargs="*", metavar="NAME")

    command = _command(commands, "status", _status, "list the guests and how they are")
    _run_dir(command)

    command = _command(commands, "console", _console, "show a guest's console")
    _run_dir(command)
    command.add_argument("name", metavar="NAME")
    command.add_argument("-n", "--lines", type=int, default=40, help="0: all")
    command.add_argument("-f", "--follow", action="store_true")
    return parser


def _command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str,
             action: object, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(action=action)
    return command


def _build_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--build-dir", type=Path, required=True, metavar="B",
                         help="the programs are in B/bin; the lab keeps its own in B/lab")


def _run_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run-dir", type=Path, required=True, metavar="R",
                         help="a folder a guest: disk, console, sockets")


def _deadline(command: argparse.ArgumentParser, default: float) -> None:
    command.add_argument("--deadline", type=float, default=default, metavar="SECONDS")
