#!/usr/bin/env python3
"""CPUs, memory and SMT through the agent, against real kernels that have their own say."""

import json
import sys
import threading
import time
import unittest
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.agent_config import agent_config  # noqa: E402
from hotplugger_lab.control import Answer, by_subject  # noqa: E402
from hotplugger_lab.fleet_case import ALL_CPUS, SETTLE_SECONDS, FleetCase  # noqa: E402
from hotplugger_lab.kernel_devices import CPU, KernelDevices  # noqa: E402

NODE = "dev"
USAGE = 2
PARTIAL = 64
EBUSY, EINVAL, ENOMEM = 16, 22, 12
Items = dict[str, dict[str, Any]]


def policy(node: str, settings: str) -> str:
    return (f"apiVersion: hotplugger/v1\nkind: Policy\nname: devices\n"
            f"selector: {{nodes: [{node}]}}\n{settings}\n")


class DeviceCase(FleetCase):
    """What both kinds of guests need."""

    node: str

    def setUp(self) -> None:
        self.guest_ = self.guest(self.node)
        self.kernel = KernelDevices(self.guest_)
        self.control.delete_all()  # else the agent undoes what comes next
        self.wait_in_sync()
        self.kernel.reset()
        super().setUp()

    def run_host(self, *words: str) -> Answer:
        return self.host(self.node).run(*words)

    def items(self, *words: str, status: int = 0) -> Items:
        """What --host says of each device; the exit status is as wanted."""
        answer = self.run_host(*words, "-o", "json")
        self.assertEqual(answer.status, status, answer)
        return by_subject(answer.json()["results"])

    def explain(self, device: str) -> dict[str, Any]:
        return json.loads(self.host(self.node).check("explain", device, "-o", "json"))

    def device(self, name: str) -> dict[str, Any]:
        listed = json.loads(self.host(self.node).check("devices", "-o", "json"))["devices"]
        return {device["name"]: device for device in listed}[name]

    def assert_outcomes(self, items: Items, outcome: str, *subjects: str) -> None:
        for subject in subjects:
            self.assertEqual(items[subject]["outcome"], f"OUTCOME_{outcome}", items[subject])

    def assert_refused(self, answer: Answer, *words: str) -> None:
        """One device: the call itself failed, and says why."""
        self.assertEqual(answer.status, 1, answer)
        for word in words:
            self.assertIn(word, answer.err)

    def report(self) -> dict[str, Any]:
        return self.control.node(self.node).get("report", {})


class DevicesTest(DeviceCase):
    """Two cores of two threads each; memory blocks 4 to 7 are movable, and 7 has a hole."""

    node = NODE
    wanted = {NODE: GuestOptions(cpu_model="Haswell-noTSX", smp="4,sockets=1,cores=2,threads=2",
                                 memory="1G",
                                 # Else a reserved page may lie in any block, which then is EBUSY.
                                 kernel_arguments=("movablecore=512M", "nokaslr"))}

    def with_config(self, text: str) -> None:
        """Another agent.yaml for this test."""
        self.addCleanup(self.guest_.set_agent_config, agent_config())
        self.guest_.set_agent_config(text)

    def online(self) -> set[int]:
        return self.guest_.cpus_online()

    # CPUs: what the kernel's own selftest checks, each read back in attribute and mask.

    def assert_cpus(self, *online: int) -> None:
        self.assertEqual(self.online(), set(online))
        for cpu in (1, 2, 3):
            self.assertEqual(self.kernel.cpu_file(cpu), str(int(cpu in online)), f"cpu{cpu}")

    def test_highest_cpu_goes_off_and_comes_back(self) -> None:
        self.assertEqual(self.run_host("offline", "cpu3").status, 0)
        self.assert_cpus(0, 1, 2)
        self.assertEqual(self.device("cpu3")["state"], "DEVICE_STATE_OFFLINE")
        # Where it sat is known although the kernel's own record has gone.
        self.assertEqual(self.device("cpu3")["cpu"]["coreCpus"], "2-3")
        self.assert_outcomes(self.items("offline", "cpu3"), "ALREADY", "cpu3")
        self.assertEqual(self.run_host("online", "cpu3").status, 0)
        self.assert_cpus(0, 1, 2, 3)
        self.assert_outcomes(self.items("online", "cpu3"), "ALREADY", "cpu3")

    def test_all_cpus_go_off_and_come_back(self) -> None:
        names = ("cpu1", "cpu2", "cpu3")
        self.assert_outcomes(self.items("offline", "--cpus", "1-3"), "CHANGED", *names)
        self.assert_cpus(0)
        self.assert_outcomes(self.items("online", "--cpus", "1-3"), "CHANGED", *names)
        self.assert_cpus(0, 1, 2, 3)

    def test_whole_core_and_count_take_secondary_threads_first(self) -> None:
        self.items("offline", "--cores", "3")
        self.assert_cpus(0, 1)
        self.items("online", "--cores", "2")
        self.assert_cpus(0, 1, 2, 3)
        self.items("offline", "--count", "2")
        self.assert_cpus(0, 2)

    def test_exit_statuses(self) -> None:
        some = self.items("offline", "--cpus", "0,2-3", status=PARTIAL)
        self.assertEqual(some["cpu0"]["reason"], "NOT_HOTPLUGGABLE")
        self.assert_outcomes(some, "CHANGED", "cpu2", "cpu3")
        self.assert_cpus(0, 1)
        # The first CPU, which can't go, is online already.
        self.assert_outcomes(self.items("online", "--cpus", "0-3"), "ALREADY", "cpu0", "cpu1")
        self.items("offline", "--cpus", "0", status=1)
        self.assert_refused(self.run_host("offline", "cpu0"), "NOT_HOTPLUGGABLE")
        self.assert_refused(self.run_host("offline", "cpu9"), "DEVICE_NOT_FOUND", "0-3")
        self.assertEqual(self.run_host("offline", "--cpus", "3-1").status, USAGE)
        self.assert_cpus(0, 1, 2, 3)

    def test_all_or_nothing_does_nothing_where_one_cannot_go(self) -> None:
        items = self.items("offline", "--cpus", "0-3", "--all-or-nothing", status=1)
        self.assertEqual(items["cpu0"]["reason"], "NOT_HOTPLUGGABLE")
        for cpu in ("cpu1", "cpu2", "cpu3"):
            self.assertIn(items[cpu]["outcome"], ("OUTCOME_UNDONE", "OUTCOME_SKIPPED"), items)
        self.assert_cpus(0, 1, 2, 3)

    def test_plan_changes_nothing_and_goes_stale(self) -> None:
        answer = self.run_host("offline", "--cpus", "1-3", "--dry-run", "-o", "json")
        self.assertEqual(answer.status, 0, answer)
        plan = answer.json()["plan"]
        self.assertEqual((plan["before"]["cpus"], plan["after"]["cpus"]), (4, 1))
        self.assert_cpus(0, 1, 2, 3)
        stamp = f"{plan['stamp']['bootId']}:{plan['stamp']['inventoryDigest']}"
        self.host(NODE).check("offline", "cpu1", "--plan-stamp", stamp)
        self.assert_refused(self.run_host("offline", "cpu2", "--plan-stamp", stamp), "STALE_PLAN")
        self.assert_cpus(0, 2, 3)

    def test_explain_says_who_wants_it_and_what_stops_it(self) -> None:
        self.control.check("offline", NODE, "cpu1", "--reason", "suspected bad")
        self.wait_in_sync()
        explained = self.explain("cpu1")
        self.assertEqual(explained["device"]["state"], "DEVICE_STATE_OFFLINE")
        self.assertEqual(explained["influences"][0]["source"], "hold/cpu1")
        self.assertEqual(explained["influences"][0]["wants"], "DEVICE_STATE_OFFLINE")
        self.assertTrue(explained["onlineObstacles"], explained)
        self.assertEqual(explained["operations"][0]["wanted"], "DEVICE_STATE_OFFLINE")
        self.assertIn("hold/cpu1", self.host(NODE).check("explain", "cpu1"))
        # So it is refused here, and the answer says by whom.
        self.assert_refused(self.run_host("online", "cpu1"), "hold/cpu1")
        self.assertEqual(self.explain("cpu0")["offlineObstacles"][0]["reason"], "NOT_HOTPLUGGABLE")

    def test_device_of_another_bus_goes_off_and_comes_back(self) -> None:
        name = "container/PNP0A06:00"
        file = "/sys/bus/container/devices/PNP0A06:00/online"
        self.assertEqual(self.device(name)["kind"], "DEVICE_KIND_GENERIC")
        for verb, state in (("offline", "0"), ("online", "1")):
            self.host(NODE).check(verb, name)
            self.assertEqual(self.guest_.check(f"cat {file}"), state)

    # Memory.

    def test_share_of_the_blocks_goes_off_and_comes_back(self) -> None:
        items = self.items("offline", "--blocks", "4,6")
        self.assert_outcomes(items, "CHANGED", "memory4", "memory6")
        self.assertEqual(self.kernel.states(4, 6), ["offline", "offline"])
        self.assert_outcomes(self.items("offline", "--blocks", "4,6"), "ALREADY", "memory4", "memory6")
        self.items("online", "--blocks", "4,6", "--zone", "movable")
        self.assertEqual(self.kernel.states(4, 6), ["online", "online"])
        self.assertEqual([self.kernel.zones(4), self.kernel.zones(6)], [["Movable"]] * 2)

    def test_kernel_that_objects_is_decoded_and_nothing_changes(self) -> None:
        # As the kernel's own selftest has it: somebody in the kernel says no.
        with self.kernel.refusing("MEM_GOING_OFFLINE", ENOMEM):
            item = self.items("offline", "--blocks", "6", status=1)["memory6"]
        self.assertEqual((item["outcome"], item["errorNumber"]), ("OUTCOME_FAILED", ENOMEM), item)
        self.assertEqual(self.kernel.state(6), "online")
        self.items("offline", "--blocks", "6")
        with self.kernel.refusing("MEM_GOING_ONLINE", ENOMEM):
            item = self.items("online", "--blocks", "6", status=1)["memory6"]
        self.assertEqual((item["outcome"], item["errorNumber"]), ("OUTCOME_FAILED", ENOMEM), item)
        self.assertEqual(self.kernel.state(6), "offline")
        self.items("online", "--blocks", "6", "--zone", "movable")

    def test_block_with_a_hole_is_einval_and_says_why(self) -> None:
        item = self.items("offline", "--blocks", "7", status=1)["memory7"]
        self.assertEqual((item["outcome"], item["errorNumber"]), ("OUTCOME_FAILED", EINVAL), item)
        self.assertEqual(item["retry"], "RETRY_CLASS_PERMANENT")
        self.assertIn("hole", item["message"])
        self.assert_refused(self.run_host("offline", "memory7"), item["reason"], "EINVAL")
        self.assertEqual(self.kernel.state(7), "online")

    def test_block_in_several_zones_is_refused(self) -> None:
        self.assertEqual(self.kernel.zones(0), ["none"])
        item = self.items("offline", "--blocks", "0", status=1)["memory0"]
        self.assertEqual((item["outcome"], item["reason"]), ("OUTCOME_REFUSED", "NOT_OFFLINABLE"), item)
        self.assertIn("valid_zones says none", item["message"])
        self.assertEqual(self.kernel.state(0), "online")

    def test_block_of_a_kernel_zone_is_refused_until_the_config_allows_it(self) -> None:
        item = self.items("offline", "--blocks", "1", status=1)["memory1"]
        self.assertEqual((item["outcome"], item["reason"]), ("OUTCOME_REFUSED", "LIMIT_KERNEL_ZONE"),
                         item)
        self.assertIn("memory.allow_kernel_zones", item["message"])
        self.with_config(agent_config(memory={"allow_kernel_zones": True}))
        self.addCleanup(self.put_kernel_blocks_back)
        with self.kernel.kernel_memory(200):
            answer = self.run_host("offline", "--blocks", "1-3", "-o", "json")
        failed = [item for item in answer.json()["results"] if item["outcome"] == "OUTCOME_FAILED"]
        self.assertTrue(failed, answer)
        for item in failed:
            self.assertEqual((item["errorNumber"], item["retry"]),
                             (EBUSY, "RETRY_CLASS_CONDITIONAL"), item)
            self.assertIn("can't be moved", item["message"])
            self.assertEqual(self.kernel.state(int(item["subject"].removeprefix("memory"))), "online")

    def put_kernel_blocks_back(self) -> None:
        for block in (1, 2, 3):
            if self.kernel.state(block) == "offline":
                self.kernel.write_state(block, "online_kernel")

    def test_memory_offline_that_never_ends_is_aborted_and_succeeds_later(self) -> None:
        with self.kernel.pinned(4, 6) as block:
            begun = time.monotonic()
            answer = self.run_host("offline", f"memory{block}", "--deadline", "3s")
            took = time.monotonic() - begun
            self.assert_refused(answer, "OFFLINE_ABORTED", f"memory{block}")
            self.assertEqual(self.kernel.state(block), "online")
            self.assertTrue(2.5 < took < 20, took)
            last = self.explain(f"memory{block}")["operations"][0]["result"]
            self.assertEqual(last["reason"], "OFFLINE_ABORTED")
        self.host(NODE).check("offline", f"memory{block}")
        self.assertEqual(self.kernel.state(block), "offline")

    def test_all_or_nothing_undoes_what_was_done(self) -> None:
        with self.kernel.pinned(4):
            items = self.items("offline", "--blocks", "4,6", "--all-or-nothing", "--deadline", "5s",
                               status=1)
        self.assertEqual(items["memory4"]["reason"], "OFFLINE_ABORTED")
        self.assert_outcomes(items, "UNDONE", "memory6")
        self.assertEqual(self.kernel.states(4, 6), ["online", "online"])
        # Where it was: elsewhere it might never go offline again.
        self.assertEqual(self.kernel.zones(6), ["Movable"])

    def begin_endless_offline(self, block: int, answers: list[Answer],
                              deadline: str = "30s") -> threading.Thread:
        """Somebody waits for an offline of a pinned block; gives the thread that does."""
        thread = threading.Thread(target=lambda: answers.append(
            self.run_host("offline", f"memory{block}", "--deadline", deadline)))
        thread.start()
        self.addCleanup(thread.join, 60)
        self.guest_.wait_until(lambda: self.kernel.state(block) == "going-offline", 20,
                               f"memory{block} is going offline")
        return thread

    def test_reads_are_answered_while_an_offline_takes_its_time(self) -> None:
        answers: list[Answer] = []
        with self.kernel.pinned(4, 6) as block:
            thread = self.begin_endless_offline(block, answers, "15s")
            self.assertEqual(self.device(f"memory{block}")["state"], "DEVICE_STATE_GOING_OFFLINE")
            self.assertFalse(answers)
        thread.join(60)
        self.assertEqual(answers[0].status, 0, answers[0])

    def test_writer_killed_in_the_middle_leaves_the_block_legal_and_the_next_works(self) -> None:
        answers: list[Answer] = []
        with self.kernel.pinned(4, 6) as block:
            thread = self.begin_endless_offline(block, answers, "10s")
            before = self.guest_.check("pidof hotplugger-writer")
            self.guest_.check(f"kill -9 {before}")
            thread.join(60)
            # It may have been tried once more, by another writer.
            self.assertEqual(answers[0].status, 1, answers[0])
            self.assertEqual(self.kernel.state(block), "online")
            self.host(NODE).check("offline", "cpu3")
            self.assert_cpus(0, 1, 2)
            self.assertNotEqual(self.guest_.check("pidof hotplugger-writer"), before)
        self.host(NODE).check("offline", f"memory{block}")
        self.assertEqual(self.kernel.state(block), "offline")

    def test_agent_killed_in_the_middle_leaves_the_block_legal_and_the_next_works(self) -> None:
        answers: list[Answer] = []
        with self.kernel.pinned(4, 6) as block:
            thread = self.begin_endless_offline(block, answers)
            before = self.guest_.agent_pid()
            self.guest_.kill_agent()
            thread.join(60)
            self.assertNotEqual(answers[0].status, 0)
            self.guest_.wait_until(
                lambda: self.guest_.agent_pid() not in (None, before)
                and self.run_host("devices").status == 0, SETTLE_SECONDS, "the agent is back")
            self.guest_.wait_until(lambda: self.kernel.state(block) == "online", SETTLE_SECONDS,
                                   "its writer went with it, and the kernel gave up")
            # The next is started at the next write, so there may be none yet.
            _, writers = self.guest_.run("pidof hotplugger-writer")
            self.assertLessEqual(len(writers.split()), 1, writers)
            # The journal knew that this was under way, and says now how it ended.
            last = self.explain(f"memory{block}")["operations"][0]
            self.assertEqual(last["wanted"], "DEVICE_STATE_OFFLINE")
            self.assertNotEqual(last["result"]["outcome"], "OUTCOME_CHANGED")
            self.host(NODE).check("offline", "cpu3")
        self.host(NODE).check("offline", f"memory{block}")

    def test_policy_for_an_amount_goes_round_blocks_that_cannot_go_and_gives_them_back(self) -> None:
        self.control.apply(policy(NODE, "memory: {offline_bytes: 256Mi}"))
        self.wait_in_sync()
        offline = [block for block in self.kernel.blocks() if self.kernel.state(block) == "offline"]
        self.assertEqual(len(offline), 2)
        self.assertLessEqual(set(offline), {4, 5, 6})
        self.control.check("delete", "policy", "devices")
        self.wait_in_sync()
        for block in offline:
            self.assertEqual((self.kernel.state(block), self.kernel.zones(block)),
                             ("online", ["Movable"]))

    # SMT.

    def hold_offline(self, cpu: int) -> None:
        self.control.check("offline", NODE, f"cpu{cpu}", "--reason", "suspected bad")
        self.wait_in_sync()
        self.assertEqual(self.online(), ALL_CPUS - {cpu})

    def test_smt_off_and_on_with_a_held_sibling_staying_off(self) -> None:
        self.hold_offline(1)
        self.items("smt", "off")
        self.assertEqual((self.online(), self.kernel.smt()), ({0, 2}, "off"))
        self.assert_refused(self.run_host("online", "cpu3"), "SMT")
        items = self.items("smt", "on")
        self.assertEqual((self.online(), self.kernel.smt()), ({0, 2, 3}, "on"))
        self.assert_outcomes(items, "CHANGED", "smt", "cpu3")
        self.assertIn("cpu1", items)
        self.wait_in_sync()

    def test_rogue_that_turns_smt_on_does_not_free_a_held_sibling(self) -> None:
        self.hold_offline(1)
        self.items("smt", "off")
        self.kernel.write_smt("on")  # brings every sibling online, held or not
        self.wait_cpus(self.guest_, {0, 2, 3})
        self.wait_in_sync()
        self.assertGreaterEqual(int(self.report()["driftCount"]), 1)

    def test_policy_keeps_smt_off(self) -> None:
        self.control.apply(policy(NODE, "cpu: {smt: off}"))
        self.wait_in_sync()
        self.assertEqual((self.online(), self.kernel.smt()), ({0, 2}, "off"))
        self.kernel.write_smt("on")
        self.wait_cpus(self.guest_, {0, 2})
        self.guest_.wait_until(lambda: int(self.report()["driftCount"]) >= 1, SETTLE_SECONDS,
                               "the drift is counted")
        self.control.check("delete", "policy", "devices")
        self.wait_cpus(self.guest_, ALL_CPUS)
        self.assertEqual(self.kernel.smt(), "on")

    # Who fights.

    def test_rogue_that_re_onlines_a_held_cpu_is_undone_counted_and_named(self) -> None:
        self.hold_offline(3)
        self.kernel.rogue(f"{CPU}/cpu3/online", "1")
        item = self.guest_.wait_until(
            lambda: next((item for item in self.report().get("items", [])
                          if item["subject"] == "cpu3" and item.get("reason") == "CONFLICT"), None),
            SETTLE_SECONDS, "the conflict is named")
        self.assertIn("growing delays", item["message"])
        self.assertGreaterEqual(int(self.report()["driftCount"]), 3)
        # It writes five times a second; in a fight the agent answers less and less often.
        before = int(self.report()["driftCount"])
        time.sleep(20)  # what is to be seen is that little happens
        self.assertLess(int(self.report()["driftCount"]) - before, 12)
        times = [datetime.fromisoformat(operation["time"][:19])
                 for operation in self.explain("cpu3")["operations"]]
        self.assertGreater((times[0] - times[-1]).total_seconds(), 3, times)
        self.kernel.stop_background()
        self.wait_cpus(self.guest_, {0, 1, 2})
        self.wait_in_sync()


class HotAddTest(DeviceCase):
    """One CPU and 1 GiB, with room for more."""

    node = "hot"
    cpus = {0}
    wanted = {"hot": GuestOptions(smp="1,maxcpus=4,sockets=4,cores=1,threads=1",
                                  memory="1G,slots=4,maxmem=4G")}

    def test_hot_added_devices_come_up_by_policy_in_the_wanted_zone(self) -> None:
        self.guest_.hot_add_cpu()
        self.guest_.hot_add_memory(256)
        self.guest_.wait_until(lambda: 33 in self.kernel.blocks(), SETTLE_SECONDS, "the DIMM is there")
        self.wait_inventory(2)
        # Nobody wants them yet, so they stay as the kernel brings them.
        self.assertEqual(self.guest_.cpus_online(), {0})
        self.assertEqual(self.kernel.states(32, 33), ["offline", "offline"])

        self.control.apply(policy(
            self.node, "cpu: {hot_add: online}\nmemory: {hot_add: online_movable}"))
        self.wait_in_sync()
        self.assert_up({0, 1}, 32, 33)

        # And what comes later comes up by itself, because the kernel announces it.
        self.guest_.hot_add_cpu()
        self.guest_.hot_add_memory(256)
        self.guest_.wait_until(lambda: self.guest_.cpus_online() == {0, 1, 2}, SETTLE_SECONDS,
                               "the second CPU is online")
        self.guest_.wait_until(lambda: self.kernel.blocks()[-2:] == [34, 35]
                               and self.kernel.states(34, 35) == ["online"] * 2, SETTLE_SECONDS,
                               "the second DIMM is online")
        self.assert_up({0, 1, 2}, 32, 33, 34, 35)

        # Such a device that a person takes offline stays so: it is not new any more.
        self.host(self.node).check("offline", "cpu2")
        self.host(self.node).check("offline", "memory35")
        self.guest_.hot_add_cpu()
        self.guest_.wait_until(lambda: 3 in self.guest_.cpus_online(), SETTLE_SECONDS,
                               "the third CPU is online")
        self.assertEqual(self.guest_.cpus_online(), {0, 1, 3})
        self.assertEqual(self.kernel.state(35), "offline")

        # A kernel that brings memory up by itself is faster, and chooses the zone: that is told.
        self.guest_.check("echo online_kernel >/sys/devices/system/memory/auto_online_blocks")
        self.guest_.hot_add_memory(128)
        item = self.guest_.wait_until(
            lambda: by_subject(self.control.node(self.node).get("report", {}).get("items", []))
            .get("memory36"), SETTLE_SECONDS, "the block is in another zone")
        self.assertEqual(item["reason"], "OTHER_ZONE", item)
        self.assertIn("Normal", item["message"])

    def wait_inventory(self, cpus: int) -> None:
        self.guest_.wait_until(
            lambda: self.control.node(self.node)["inventory"]["cpusPresent"] == f"0-{cpus - 1}",
            SETTLE_SECONDS, "the controller knows the new CPU")

    def assert_up(self, cpus: set[int], *blocks: int) -> None:
        self.assertEqual(self.guest_.cpus_online(), cpus)
        for block in blocks:
            self.assertEqual((self.kernel.state(block), self.kernel.zones(block)),
                             ("online", ["Movable"]), f"memory{block}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
