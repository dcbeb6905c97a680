// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - the module: what is set up at load and taken down at unload
 */
#include <linux/module.h>
#include "shell.h"

MODULE_DESCRIPTION("Replicated block device, compatible with DRBD 8.4");
MODULE_AUTHOR("The project's contributors");
MODULE_VERSION(DRBD_VERSION_TEXT);
MODULE_LICENSE("GPL");
MODULE_ALIAS_BLOCKDEV_MAJOR(DRBD_MAJOR_NR);

static unsigned int minor_count = 32;
module_param(minor_count, uint, 0444);
MODULE_PARM_DESC(minor_count, "Expected number of devices (1-255); no limit on minors");

static bool disable_sendpage;
module_param(disable_sendpage, bool, 0644);
MODULE_PARM_DESC(disable_sendpage, "Accepted for compatibility; data is always copied into the socket");

static int __init drbd_init(void)
{
	int err;

	if (minor_count < 1 || minor_count > 255) {
		pr_err("drbd: minor_count is %u, must be 1 to 255\n", minor_count);
		return -EINVAL;
	}
	err = drbd_device_module_init();
	if (err)
		return err;
	drbd_debugfs_init();
	err = shell_peer_io_init();
	if (err)
		goto no_peer_io;
	err = drbd_netlink_init();
	if (err)
		goto no_netlink;
	err = drbd_proc_init();
	if (err)
		goto no_proc;
	pr_info("drbd: version " DRBD_VERSION_TEXT " (api:1/proto:%u-%u), ready\n",
		WIRE_APV_MIN, WIRE_APV_MAX);
	return 0;

no_proc:
	drbd_netlink_exit();
no_netlink:
	shell_peer_io_exit();
no_peer_io:
	drbd_debugfs_exit();
	drbd_device_module_exit();
	return err;
}

static void __exit drbd_exit(void)
{
	drbd_proc_exit();
	drbd_netlink_exit();
	shell_peer_io_exit();
	drbd_debugfs_exit();
	drbd_device_module_exit();
	drbd_objects_exit();
}

module_init(drbd_init);
module_exit(drbd_exit);
