#!/usr/bin/env python3
"""The contract's behavioural suite, the one that every provider passes, on a real kernel module."""

import re
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.fleet_case import build_dir  # noqa: E402
from hotplugger_lab.lab import Lab  # noqa: E402

# Each test loads the module anew, and hangs are waited out.
SUITE_SECONDS = 300.0
# So many tests the suite has at least: fewer would mean that some went missing.
FEWEST_TESTS = 15


class ContractTest(unittest.TestCase):
    def test_the_real_kernels_drivers_pass_the_suite_of_all_providers(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="hotplugger-lab-")
        self.addCleanup(folder.cleanup)
        lab = Lab(build_dir(), Path(folder.name))
        self.addCleanup(lab.stop)
        guest = lab.start_each({"contract": GuestOptions(agent=False)})[0]
        status, output = guest.run("real_kernel_contract_test", SUITE_SECONDS)
        self.assertEqual(status, 0, output)
        passed = re.search(r"\[  PASSED  \] (\d+) tests", output)
        self.assertIsNotNone(passed, output)
        assert passed is not None
        self.assertGreaterEqual(int(passed.group(1)), FEWEST_TESTS, output)
        self.assertNotIn("SKIPPED", output)


if __name__ == "__main__":
    unittest.main()
