#!/usr/bin/env python3
"""Does the lab itself work? Boots one guest without an agent and looks at all that tests lean on."""

import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import DeadlineExceeded, Guest, GuestOptions, Lab, LabError, wait_until  # noqa: E402
from hotplugger_lab.agent_config import agent_config  # noqa: E402
from hotplugger_lab.cpu_list import parse_cpu_list  # noqa: E402
from hotplugger_lab.image import load_order  # noqa: E402
from hotplugger_lab.kernel_devices import KernelDevices  # noqa: E402
from hotplugger_lab.recording import escape, record  # noqa: E402

FACE = "/sys/kernel/hotplugger"
PARAMETERS = "/sys/module/hotplugger_lab/parameters"
ALL_STOPPED = "alucard thermal intelli bricked faulty zealous \n"


def build_dir() -> Path:
    try:
        return Path(os.environ["HOTPLUGGER_BUILD_DIR"])
    except KeyError:
        raise LabError("HOTPLUGGER_BUILD_DIR is not set; the lab keeps its kernel there") from None


class PureTest(unittest.TestCase):
    """What needs no guest."""

    def test_cpu_lists(self) -> None:
        self.assertEqual(parse_cpu_list("0-1,3\n"), {0, 1, 3})
        self.assertEqual(parse_cpu_list("\n"), set())

    def test_modules_load_after_what_they_need(self) -> None:
        dep = "a/net.ko: a/mid.ko a/low.ko\na/mid.ko: a/low.ko\na/low.ko:\na/fw-cfg.ko: a/low.ko\n"
        self.assertEqual(load_order(dep, ["net", "fw_cfg"]),
                         ["a/low.ko", "a/mid.ko", "a/net.ko", "a/fw-cfg.ko"])
        with self.assertRaises(LabError):
            load_order(dep, ["absent"])

    def test_recorded_content_is_one_line_of_ascii(self) -> None:
        self.assertEqual(escape(b'a\tb\n\\"\0\xff'), 'a\\tb\\n\\\\\\"\\000\\377')

    def test_agent_config_changes_what_is_given_alone(self) -> None:
        text = agent_config(cpus={"min_online": 2}, memory={"allow_kernel_zones": True},
                            protected_devices=["cpu3", "memory4"])
        self.assertEqual(set(text.splitlines()) - set(agent_config().splitlines()),
                         {"    min_online: 2", "    allow_kernel_zones: true",
                          "  protected_devices: [cpu3, memory4]"})

    def test_names_and_missing_guests_are_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("", "Upper", "a/b", "-a", "a" * 64):
                with self.assertRaises(LabError):
                    Guest(Path(folder), name)
            with self.assertRaisesRegex(LabError, "no guest"):
                Guest(Path(folder), "nobody").run("true")


class LifeTest(unittest.TestCase):
    """Guests that nobody is left to stop."""

    def test_guest_ends_with_a_test_that_is_killed(self) -> None:
        program = ("import os, sys; sys.path.insert(0, sys.argv[1])\n"
                   "from pathlib import Path\n"
                   "from hotplugger_lab import Guest, GuestOptions, prepare\n"
                   "made = prepare(Path(sys.argv[2]))\n"
                   "Guest(Path(sys.argv[3]), 'orphan').launch(made.kernel, made.initrd, GuestOptions())\n"
                   "os.kill(os.getpid(), 9)\n")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-c", program, str(HERE), str(build_dir()), folder],
                           timeout=60, stderr=subprocess.DEVNULL)
            orphan = Guest(Path(folder), "orphan")
            self.assertTrue((orphan.folder / "qemu.pid").exists())
            wait_until(lambda: not orphan.is_running(), 10, "QEMU is gone")


class GuestTest(unittest.TestCase):
    """One guest for all of these; each leaves it as it found it."""

    guest: Guest

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="hotplugger-lab-")
        cls.addClassCleanup(folder.cleanup)
        lab = Lab(build_dir(), folder.name)
        cls.addClassCleanup(lab.stop)
        [cls.guest] = lab.start(["self"], GuestOptions(agent=False))

    # The command channel.

    def test_command_gives_status_and_both_streams(self) -> None:
        self.assertEqual(self.guest.run("echo out; echo err >&2; exit 3"), (3, "out\nerr\n"))
        self.assertEqual(self.guest.run("true"), (0, ""))

    def test_command_and_output_of_64_kib_come_whole(self) -> None:
        text = "".join(chr(33 + index * index % 90) for index in range(65536))
        self.guest.put_file("/tmp/big file", text.encode())
        self.assertEqual(self.guest.run("cat '/tmp/big file'; rm '/tmp/big file'"), (0, text))

    def test_command_has_a_deadline_and_is_ended_by_it(self) -> None:
        with self.assertRaises(DeadlineExceeded):
            self.guest.run("sleep 4321", seconds=1)
        self.assertNotIn("4321", self.guest.check("ps -o args"))

    def test_slow_command_holds_nobody_up(self) -> None:
        slow = threading.Thread(target=self.guest.run, args=("sleep 8",))
        slow.start()
        begun = time.monotonic()
        self.assertEqual(self.guest.run("echo quick"), (0, "quick\n"))
        self.assertLess(time.monotonic() - begun, 6)
        slow.join()

    # The machine.

    def test_cpu_goes_off_and_on(self) -> None:
        self.assertEqual(self.guest.cpus_online(), {0, 1, 2, 3})
        self.guest.check("echo 0 >/sys/devices/system/cpu/cpu2/online")
        self.assertEqual(self.guest.cpus_online(), {0, 1, 3})
        self.guest.check("echo 1 >/sys/devices/system/cpu/cpu2/online")
        self.assertEqual(self.guest.cpus_online(), {0, 1, 2, 3})

    def test_guest_knows_its_name(self) -> None:
        self.assertEqual(self.guest.check("hostname"), "self")
        self.assertRegex(self.guest.check("cat /etc/machine-id"), r"^[0-9a-f]{32}$")

    def test_link_goes_down_and_up(self) -> None:
        for up in (False, True):
            self.guest.link(up)
            self.guest.wait_until(lambda: self.guest.check("cat /sys/class/net/eth0/carrier") == str(int(up)),
                                  10, f"link {'up' if up else 'down'}")

    def test_state_survives_a_hard_reset_and_nothing_else_does(self) -> None:
        before = self.guest.check("cat /proc/sys/kernel/random/boot_id")
        self.guest.check("echo kept >/var/lib/hotplugger/note; sync; echo lost >/root/note")
        self.guest.reboot()
        self.assertNotEqual(self.guest.check("cat /proc/sys/kernel/random/boot_id"), before)
        self.assertEqual(self.guest.check("cat /var/lib/hotplugger/note; ls /root"), "kept")

    def test_agent_config_is_there_before_any_agent(self) -> None:
        self.assertEqual(self.guest.check("cat /etc/hotplugger/agent.yaml") + "\n", agent_config())

    def test_recording_has_contents_and_links(self) -> None:
        lines = record(self.guest, ["a comment"]).splitlines()
        self.assertEqual(lines[0], "# a comment")
        files = dict(line.split("\t") for line in lines[1:])
        self.assertEqual(files["sys/devices/system/cpu/present"], "0-3\\n")
        # The kernel pads it on the left, to as many characters as there are possible CPUs.
        self.assertEqual(files["sys/devices/system/cpu/nohz_full"].lstrip(), "(null)\\n")
        self.assertEqual(files["sys/devices/system/cpu/cpu1/node0"], "-> ../../node/node0")
        self.assertTrue(files["proc/meminfo"].startswith("MemTotal:"))

    def test_meddlers_come_and_go(self) -> None:
        kernel = KernelDevices(self.guest)
        kernel.rogue("/tmp/rogue", "was here")
        self.guest.wait_until(lambda: self.guest.run("cat /tmp/rogue")[1] == "was here\n", 10, "it writes")
        kernel.stop_background()
        self.guest.check("rm /tmp/rogue; sleep 1; [ ! -e /tmp/rogue ]")

    # /sys/kernel/hotplugger.

    def write(self, file: str, text: str) -> str:
        """What the kernel says to a write: "" or its error's words. (busybox's printf hides them.)"""
        _, output = self.guest.run(f"echo -n '{text}' >{FACE}/{file}")
        return output.rpartition("write error: ")[2].strip()

    def read(self, file: str) -> str:
        return self.guest.run(f"cat {FACE}/{file}")[1]

    def setting(self, name: str, value: str) -> None:
        """Sets a parameter of the module for this test."""
        path = f"{PARAMETERS}/{name}"
        before = self.guest.check(f"cat {path}")
        self.guest.check(f"echo '{value}' >{path}")
        self.addCleanup(self.guest.check, f"echo '{before}' >{path}")

    def start_drivers(self, *names: str) -> None:
        self.addCleanup(self.stop_drivers)
        for name in names:
            self.assertEqual(self.write("enable_driver", name), "")

    def stop_drivers(self) -> None:
        self.guest.run(f"for d in $(cat {FACE}/enable_driver); do echo $d >{FACE}/disable_driver; done")

    def test_lists_with_nothing_running(self) -> None:
        self.assertEqual(self.read("available_drivers"), ALL_STOPPED)
        self.assertEqual(self.read("disable_driver"), ALL_STOPPED)
        self.assertEqual(self.read("enable_driver"), "[none] \n")
        self.assertEqual(self.read("enabled"), "1\n")
        self.assertEqual(self.guest.check(f"stat -c %a {FACE}/available_drivers {FACE}/enabled"), "444\n644")

    def test_running_driver_is_in_brackets(self) -> None:
        self.start_drivers("BRICKED\n")  # a name's case does not count
        self.assertEqual(self.read("available_drivers"), ALL_STOPPED.replace("bricked", "[bricked]"))
        self.assertEqual(self.read("enable_driver"), "bricked \n")
        self.assertNotIn("bricked", self.read("disable_driver"))

    def test_start_stops_the_others(self) -> None:
        self.start_drivers("alucard", "bricked")
        self.assertEqual(self.read("enable_driver"), "bricked \n")

    def test_mutual_whitelist_spares(self) -> None:
        self.start_drivers("alucard", "thermal")
        self.assertEqual(self.read("enable_driver"), "alucard thermal \n")

    def test_one_sided_whitelist_spares_nobody(self) -> None:
        self.start_drivers("alucard", "intelli")
        self.assertEqual(self.read("enable_driver"), "intelli \n")

    def test_faulty_stops_its_conflicts_and_fails(self) -> None:
        self.start_drivers("alucard")
        self.assertEqual(self.write("enable_driver", "faulty"), "Input/output error")
        self.assertEqual(self.read("enable_driver"), "[none] \n")
        self.setting("faulty_fails", "0")
        self.start_drivers("faulty")
        self.assertEqual(self.read("enable_driver"), "faulty \n")

    def test_zealous_says_yes_and_does_not_run(self) -> None:
        self.start_drivers("zealous")
        self.assertEqual(self.read("enable_driver"), "[none] \n")
        self.setting("zealous_lies", "0")
        self.start_drivers("zealous")
        self.assertEqual(self.read("enable_driver"), "zealous \n")

    def test_driver_that_does_not_stop_fails_the_one_that_starts(self) -> None:
        self.start_drivers("alucard")
        self.setting("stop_fails", "alucard")
        self.assertEqual(self.write("enable_driver", "bricked"), "Input/output error")
        self.assertEqual(self.write("disable_driver", "alucard"), "Input/output error")
        self.assertEqual(self.read("enable_driver"), "alucard \n")

    def test_start_can_take_its_time(self) -> None:
        self.setting("start_delay_ms", "1500")
        begun = time.monotonic()
        self.start_drivers("bricked")
        self.assertGreaterEqual(time.monotonic() - begun, 1.4)

    def test_already_in_that_state_is_efault(self) -> None:
        self.start_drivers("bricked")
        self.assertEqual(self.write("enable_driver", "bricked"), "Bad address")
        self.assertEqual(self.write("disable_driver", "alucard"), "Bad address")

    def test_unknown_or_unreadable_name_is_einval(self) -> None:
        for text in ("nobody", "  ", "x" * 31):
            self.assertEqual(self.write("enable_driver", text), "Invalid argument", text)

    def test_switched_off_is_eperm_and_reads_still_work(self) -> None:
        self.start_drivers("alucard")
        self.addCleanup(self.stop_drivers)
        self.addCleanup(self.write, "enabled", "1")
        self.assertEqual(self.write("enabled", "0"), "")
        self.assertEqual(self.read("enabled"), "0\n")
        self.assertEqual(self.write("enable_driver", "bricked"), "Operation not permitted")
        self.assertEqual(self.write("disable_driver", "alucard"), "Operation not permitted")
        self.assertEqual(self.read("enable_driver"), "alucard \n")

    def test_switch_takes_0_and_1_alone(self) -> None:
        for text in ("2", "-1", "on", "01", "x"):
            self.assertEqual(self.write("enabled", text), "Invalid argument", text)

    def test_module_unloads_and_loads(self) -> None:
        self.start_drivers("alucard")
        self.guest.check("rmmod hotplugger_lab && [ ! -e /sys/kernel/hotplugger ]")
        self.guest.check("insmod /lib/modules/hotplugger_lab.ko")
        self.assertEqual(self.read("available_drivers"), ALL_STOPPED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
