// SPDX-License-Identifier: GPL-2.0
/* The lab's drivers: they switch nothing but a flag of their own, each to try one rule. */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "registry.h"

static bool faulty_fails = true;
module_param(faulty_fails, bool, 0644);
MODULE_PARM_DESC(faulty_fails, "faulty stops its conflicts, then fails to start (EIO)");

static bool zealous_lies = true;
module_param(zealous_lies, bool, 0644);
MODULE_PARM_DESC(zealous_lies, "zealous says it started, and does not run");

static char stop_fails[HOTPLUGGER_NAME_LEN];
module_param_string(stop_fails, stop_fails, sizeof(stop_fails), 0644);
MODULE_PARM_DESC(stop_fails, "name of the driver that fails to stop (EIO); empty: none");

static uint start_delay_ms;
module_param(start_delay_ms, uint, 0644);
MODULE_PARM_DESC(start_delay_ms, "how long a driver takes to start");

static bool driver_is_enabled(const struct hotplugger_driver *driver)
{
	return READ_ONCE(driver->running);
}

static bool stop_is_to_fail(const char *name)
{
	char wanted[HOTPLUGGER_NAME_LEN];

	/* `echo name > stop_fails` leaves its newline in the parameter. */
	strscpy(wanted, stop_fails, sizeof(wanted));
	return !strcasecmp(strim(wanted), name);
}

static int driver_stop(struct hotplugger_driver *driver)
{
	if (stop_is_to_fail(driver->name))
		return -EIO;
	WRITE_ONCE(driver->running, false);
	return 0;
}

/* What every start begins with: the time it takes, and the conflicts stopped. */
static int begin_start(struct hotplugger_driver *driver)
{
	msleep(READ_ONCE(start_delay_ms));
	return hotplugger_disable_conflicts(driver);
}

static int plain_change(struct hotplugger_driver *driver, bool on)
{
	int error;

	if (!on)
		return driver_stop(driver);
	error = begin_start(driver);
	if (!error)
		WRITE_ONCE(driver->running, true);
	return error;
}

static int faulty_change(struct hotplugger_driver *driver, bool on)
{
	int error;

	if (!on || !READ_ONCE(faulty_fails))
		return plain_change(driver, on);
	error = begin_start(driver);
	return error ? error : -EIO;
}

static int zealous_change(struct hotplugger_driver *driver, bool on)
{
	if (!on || !READ_ONCE(zealous_lies))
		return plain_change(driver, on);
	return begin_start(driver);
}

static const char *const alucard_whitelist[] = { "thermal", NULL };
static const char *const thermal_whitelist[] = { "alucard", NULL };
static const char *const intelli_whitelist[] = { "alucard", NULL }; /* one-sided on purpose */

#define LAB_DRIVER(driver_name, change, list) \
	{ .name = driver_name, .change_state = change, .is_enabled = driver_is_enabled, .whitelist = list }

static struct hotplugger_driver lab_drivers[] = {
	LAB_DRIVER("alucard", plain_change, alucard_whitelist),
	LAB_DRIVER("thermal", plain_change, thermal_whitelist),
	LAB_DRIVER("intelli", plain_change, intelli_whitelist),
	LAB_DRIVER("bricked", plain_change, NULL),
	LAB_DRIVER("faulty", faulty_change, NULL),
	LAB_DRIVER("zealous", zealous_change, NULL),
};

static void unregister_first(size_t count)
{
	while (count--)
		hotplugger_unregister(&lab_drivers[count]);
}

static int __init lab_init(void)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(lab_drivers); i++) {
		error = hotplugger_register(&lab_drivers[i]);
		if (error)
			goto undo;
	}
	error = lab_sysfs_create();
	if (!error)
		return 0;
undo:
	unregister_first(i);
	return error;
}

static void __exit lab_exit(void)
{
	lab_sysfs_remove();
	unregister_first(ARRAY_SIZE(lab_drivers));
}

module_init(lab_init);
module_exit(lab_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Hotplugger lab: /sys/kernel/hotplugger with a few drivers to test against");
