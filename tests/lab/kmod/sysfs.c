// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/hotplugger: the registry as files. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "registry.h"

static struct kobject *lab_kobject;

static ssize_t available_drivers_show(struct kobject *kobj, struct kobj_attribute *attr, char *page)
{
	return hotplugger_list(page, HOTPLUGGER_ALL);
}

static ssize_t enable_driver_show(struct kobject *kobj, struct kobj_attribute *attr, char *page)
{
	return hotplugger_list(page, HOTPLUGGER_RUNNING);
}

static ssize_t disable_driver_show(struct kobject *kobj, struct kobj_attribute *attr, char *page)
{
	return hotplugger_list(page, HOTPLUGGER_STOPPED);
}

static ssize_t switch_store(const char *page, size_t count, bool on)
{
	char name[HOTPLUGGER_NAME_LEN];
	int error;

	/* The contract's %30s: a name of 31 bytes arrives without its last one. */
	if (sscanf(page, "%30s", name) != 1)
		return -EINVAL;
	error = hotplugger_switch_one(name, on);
	return error ? error : count;
}

static ssize_t enable_driver_store(struct kobject *kobj, struct kobj_attribute *attr,
				   const char *page, size_t count)
{
	return switch_store(page, count, true);
}

static ssize_t disable_driver_store(struct kobject *kobj, struct kobj_attribute *attr,
				    const char *page, size_t count)
{
	return switch_store(page, count, false);
}

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr, char *page)
{
	return sysfs_emit(page, "%d\n", hotplugger_switching());
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr, const char *page,
			     size_t count)
{
	if (!sysfs_streq(page, "0") && !sysfs_streq(page, "1"))
		return -EINVAL;
	hotplugger_set_switching(page[0] == '1');
	return count;
}

static struct kobj_attribute available_drivers_attr = __ATTR_RO(available_drivers);
static struct kobj_attribute enable_driver_attr = __ATTR_RW(enable_driver);
static struct kobj_attribute disable_driver_attr = __ATTR_RW(disable_driver);
static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);

static struct attribute *lab_attrs[] = {
	&available_drivers_attr.attr,
	&enable_driver_attr.attr,
	&disable_driver_attr.attr,
	&enabled_attr.attr,
	NULL,
};

static const struct attribute_group lab_group = { .attrs = lab_attrs };

int lab_sysfs_create(void)
{
	int error;

	lab_kobject = kobject_create_and_add("hotplugger", kernel_kobj);
	if (!lab_kobject)
		return -ENOMEM;
	error = sysfs_create_group(lab_kobject, &lab_group);
	if (error)
		lab_sysfs_remove();
	return error;
}

void lab_sysfs_remove(void)
{
	kobject_put(lab_kobject); /* takes the files with it */
	lab_kobject = NULL;
}
