// SPDX-License-Identifier: GPL-2.0
/*
 * module.c - load the kernel module when it is not there (see module.h)
 */
#include "module.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROC_FILE "/proc/drbd"
#define MODPROBE "/sbin/modprobe"

static bool module_present(void)
{
	struct stat st;

	return stat(PROC_FILE, &st) == 0;
}

bool module_load(void)
{
	pid_t child;

	if (module_present())
		return true;
	child = fork();
	if (child == 0) {
		execl(MODPROBE, MODPROBE, "drbd", (char *)NULL);
		_exit(127);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
	return module_present();
}
