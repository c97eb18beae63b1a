// SPDX-License-Identifier: GPL-2.0
/* The registered drivers, and the rules between them. */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "registry.h"

static LIST_HEAD(drivers);
static DEFINE_MUTEX(registry_lock);
/* Who holds registry_lock. Only its holder can read its own name here, so no lock guards it. */
static struct task_struct *switching_task;
static bool switching_on = true;

static bool held_by_me(void)
{
	return READ_ONCE(switching_task) == current;
}

static void registry_acquire(void)
{
	mutex_lock(&registry_lock);
	WRITE_ONCE(switching_task, current);
}

static void registry_release(void)
{
	WRITE_ONCE(switching_task, NULL);
	mutex_unlock(&registry_lock);
}

static struct hotplugger_driver *find_locked(const char *name)
{
	struct hotplugger_driver *driver;

	list_for_each_entry(driver, &drivers, node)
		if (!strcasecmp(driver->name, name))
			return driver;
	return NULL;
}

static bool name_is_valid(const char *name)
{
	size_t length = strnlen(name, HOTPLUGGER_NAME_LEN);
	size_t i;

	if (!length || length == HOTPLUGGER_NAME_LEN)
		return false;
	for (i = 0; i < length; i++)
		if (!isgraph(name[i]) || strchr("/[]", name[i]))
			return false;
	return true;
}

static bool whitelists(const struct hotplugger_driver *driver, const char *name)
{
	const char *const *entry;

	for (entry = driver->whitelist; entry && *entry; entry++)
		if (!strcasecmp(*entry, name))
			return true;
	return false;
}

static bool spares(const struct hotplugger_driver *a, const struct hotplugger_driver *b)
{
	return a == b || (whitelists(a, b->name) && whitelists(b, a->name));
}

static int disable_conflicts_locked(struct hotplugger_driver *starting)
{
	struct hotplugger_driver *other;
	int first_error = 0;

	list_for_each_entry(other, &drivers, node) {
		int error;

		if (!other->is_enabled(other) || spares(starting, other))
			continue;
		error = other->change_state(other, false);
		if (error && !first_error)
			first_error = error;
	}
	return first_error;
}

int hotplugger_disable_conflicts(struct hotplugger_driver *driver)
{
	bool nested = held_by_me();
	int error;

	if (!driver)
		return -ENXIO;
	if (!hotplugger_switching())
		return -EPERM;
	if (!nested) {
		if (!mutex_trylock(&registry_lock))
			return -EBUSY;
		WRITE_ONCE(switching_task, current);
	}
	error = find_locked(driver->name) == driver ? disable_conflicts_locked(driver) : -ENODEV;
	if (!nested)
		registry_release();
	return error;
}

int hotplugger_switch_one(const char *name, bool on)
{
	struct hotplugger_driver *driver;
	int error;

	registry_acquire();
	driver = find_locked(name);
	if (!hotplugger_switching())
		error = -EPERM;
	else if (!driver)
		error = -EINVAL;
	else if (driver->is_enabled(driver) == on)
		error = -EFAULT;
	else
		error = driver->change_state(driver, on);
	registry_release();
	return error;
}

int hotplugger_register(struct hotplugger_driver *driver)
{
	int error = 0;

	if (!driver->change_state || !driver->is_enabled || !name_is_valid(driver->name))
		return -EINVAL;
	registry_acquire();
	if (find_locked(driver->name))
		error = -EEXIST;
	else
		list_add_tail(&driver->node, &drivers);
	registry_release();
	return error;
}

int hotplugger_unregister(struct hotplugger_driver *driver)
{
	int error = 0;

	registry_acquire();
	if (find_locked(driver->name) != driver) {
		error = -ENOENT;
	} else {
		if (driver->is_enabled(driver))
			driver->change_state(driver, false);
		list_del(&driver->node);
	}
	registry_release();
	return error;
}

bool hotplugger_switching(void)
{
	return READ_ONCE(switching_on);
}

void hotplugger_set_switching(bool on)
{
	WRITE_ONCE(switching_on, on);
}

ssize_t hotplugger_list(char *page, enum hotplugger_filter filter)
{
	/* A name in brackets and a space must always fit: a longer list is cut, never half a name. */
	const size_t limit = PAGE_SIZE - HOTPLUGGER_NAME_LEN - sizeof("[] \n");
	struct hotplugger_driver *driver;
	size_t length = 0;

	registry_acquire();
	list_for_each_entry(driver, &drivers, node) {
		bool running = driver->is_enabled(driver);
		bool bracket = running && filter == HOTPLUGGER_ALL;

		if (filter != HOTPLUGGER_ALL && running != (filter == HOTPLUGGER_RUNNING))
			continue;
		if (length > limit)
			break;
		length += scnprintf(page + length, PAGE_SIZE - length, bracket ? "[%s] " : "%s ",
				    driver->name);
	}
	registry_release();
	if (!length)
		length = scnprintf(page, PAGE_SIZE, "[none] ");
	length += scnprintf(page + length, PAGE_SIZE - length, "\n");
	return length;
}
