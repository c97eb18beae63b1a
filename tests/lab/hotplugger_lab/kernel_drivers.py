"""A guest's own /sys/kernel/hotplugger: what runs there, and rogues that change it."""

import shlex

from .guest import Guest

FACE = "/sys/kernel/hotplugger"
PARAMETERS = "/sys/module/hotplugger_lab/parameters"


class KernelDrivers:
    """The kernel's word on a guest's drivers, past every program of ours."""

    def __init__(self, guest: Guest):
        self._guest = guest

    def running(self) -> set[str]:
        return set(self._guest.check(f"cat {FACE}/enable_driver").split()) - {"[none]"}

    def start(self, *names: str) -> None:
        """In this order: the kernel may stop an earlier one for a later one."""
        for name in names:
            self._guest.check(f"echo -n {shlex.quote(name)} >{FACE}/enable_driver")

    def switch_kernel(self, on: bool) -> None:
        self._guest.check(f"echo {int(on)} >{FACE}/enabled")

    def setting(self, name: str) -> str:
        """A parameter of the module."""
        return self._guest.check(f"cat {PARAMETERS}/{name}")

    def set(self, name: str, value: str) -> None:
        self._guest.check(f"echo {shlex.quote(value)} >{PARAMETERS}/{name}")

    def reset(self) -> None:
        """All stopped, the kernel's switch on."""
        self._guest.check(f"echo 1 >{FACE}/enabled; for d in $(cat {FACE}/enable_driver); do "
                          f"[ $d = '[none]' ] || echo -n $d >{FACE}/disable_driver || exit 1; done")
