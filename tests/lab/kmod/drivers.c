// SPDX-License-Identifier: GPL-2.0
/* The lab's drivers: they switch nothing but a flag of their own, each to try one rule. */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
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

/* For the suite of the contract: alpha, beta and gamma in the place of the others. */
static bool contract;
module_param(contract, bool, 0444);
MODULE_PARM_DESC(contract, "register the drivers of the contract's suite instead");

static char fails[HOTPLUGGER_NAME_LEN];
module_param_string(fails, fails, sizeof(fails), 0644);
MODULE_PARM_DESC(fails, "name of the driver that neither starts nor stops (EIO); empty: none");

static char lies[HOTPLUGGER_NAME_LEN];
module_param_string(lies, lies, sizeof(lies), 0644);
MODULE_PARM_DESC(lies, "name of the driver that says it did and stays as it is; empty: none");

static char hangs[HOTPLUGGER_NAME_LEN];
module_param_string(hangs, hangs, sizeof(hangs), 0644);
MODULE_PARM_DESC(hangs, "name of the driver that takes 4 s to fail (EIO); empty: none");

static char pauses[HOTPLUGGER_NAME_LEN];
module_param_string(pauses, pauses, sizeof(pauses), 0644);
MODULE_PARM_DESC(pauses, "name of the driver whose next change takes 3 s; empty: none");

#define HANG_MS 4000
#define PAUSE_MS 3000

static uint start_delay_ms;
module_param(start_delay_ms, uint, 0644);
MODULE_PARM_DESC(start_delay_ms, "how long a driver takes to start");

static bool driver_is_enabled(const struct hotplugger_driver *driver)
{
	return READ_ONCE(driver->running);
}

static bool is_named(const char *parameter, const char *name)
{
	char wanted[HOTPLUGGER_NAME_LEN];

	/* `echo name > stop_fails` leaves its newline in the parameter. */
	strscpy(wanted, parameter, sizeof(wanted));
	return !strcasecmp(strim(wanted), name);
}

static int driver_stop(struct hotplugger_driver *driver)
{
	if (is_named(stop_fails, driver->name))
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

static int contract_change(struct hotplugger_driver *driver, bool on)
{
	if (is_named(pauses, driver->name)) {
		pauses[0] = 0;
		msleep(PAUSE_MS);
	}
	if (is_named(hangs, driver->name))
		msleep(HANG_MS);
	if (is_named(hangs, driver->name) || is_named(fails, driver->name))
		return -EIO;
	if (is_named(lies, driver->name))
		return on ? hotplugger_disable_conflicts(driver) : 0;
	return plain_change(driver, on);
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

static const char *const alpha_whitelist[] = { "gamma", NULL };
static const char *const gamma_whitelist[] = { "alpha", "beta", NULL };

static struct hotplugger_driver contract_drivers[] = {
	LAB_DRIVER("alpha", contract_change, alpha_whitelist),
	LAB_DRIVER("beta", contract_change, NULL),
	LAB_DRIVER("gamma", contract_change, gamma_whitelist),
};

static struct hotplugger_driver *drivers;
static size_t driver_count;

/* One that is not registered any more is passed over. */
static void unregister_first(size_t count)
{
	while (count--)
		hotplugger_unregister(&drivers[count]);
}

/* A name: that driver goes, as its module would. */
static int vanish_set(const char *value, const struct kernel_param *param)
{
	size_t i;

	for (i = 0; i < driver_count; i++) {
		if (is_named(value, drivers[i].name))
			return hotplugger_unregister(&drivers[i]);
	}
	return -EINVAL;
}

static const struct kernel_param_ops vanish_ops = { .set = vanish_set };
module_param_cb(vanish, &vanish_ops, NULL, 0200);
MODULE_PARM_DESC(vanish, "name of a driver that is to be unregistered");

static int __init lab_init(void)
{
	size_t i;
	int error;

	drivers = contract ? contract_drivers : lab_drivers;
	driver_count = contract ? ARRAY_SIZE(contract_drivers) : ARRAY_SIZE(lab_drivers);
	for (i = 0; i < driver_count; i++) {
		error = hotplugger_register(&drivers[i]);
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
	unregister_first(driver_count);
}

module_init(lab_init);
module_exit(lab_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Hotplugger lab: /sys/kernel/hotplugger with a few drivers to test against");
