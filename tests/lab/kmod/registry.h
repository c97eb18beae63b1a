/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lab's registry of hotplug drivers: enough of the contract to test an agent against.
 *
 * One mutex guards the list and every switch. A driver may call hotplugger_disable_conflicts()
 * from inside its own change_state(); the registry knows the task that holds the mutex and
 * neither deadlocks on it nor answers EBUSY to it.
 */
#ifndef HOTPLUGGER_LAB_REGISTRY_H
#define HOTPLUGGER_LAB_REGISTRY_H

#include <linux/list.h>
#include <linux/types.h>

#define HOTPLUGGER_NAME_LEN 32 /* with the NUL */

struct hotplugger_driver {
	char name[HOTPLUGGER_NAME_LEN];
	int (*change_state)(struct hotplugger_driver *driver, bool on);
	bool (*is_enabled)(const struct hotplugger_driver *driver);
	const char *const *whitelist; /* ends in NULL; NULL and empty both spare nobody */
	bool running;                 /* the lab drivers' own state; only they touch it */
	struct list_head node;
};

/* Which drivers a listing shows. */
enum hotplugger_filter { HOTPLUGGER_ALL, HOTPLUGGER_RUNNING, HOTPLUGGER_STOPPED };

int hotplugger_register(struct hotplugger_driver *driver);
int hotplugger_unregister(struct hotplugger_driver *driver);

/* Stops every running driver that does not whitelist @driver, or that @driver does not whitelist. */
int hotplugger_disable_conflicts(struct hotplugger_driver *driver);

/* Starts or stops one driver and consults no whitelist. EFAULT: it is in that state already. */
int hotplugger_switch_one(const char *name, bool on);

bool hotplugger_switching(void);
void hotplugger_set_switching(bool on);

/* Fills @page (PAGE_SIZE) with names as sysfs shows them and returns the length. */
ssize_t hotplugger_list(char *page, enum hotplugger_filter filter);

int lab_sysfs_create(void);
void lab_sysfs_remove(void);

#endif
