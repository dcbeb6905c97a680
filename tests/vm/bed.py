# SPDX-License-Identifier: GPL-2.0
"""Two nodes and the cable between them."""

import contextlib
import glob
import hashlib
import os
import shutil
import signal
import tempfile

import image
import node

MIB = 1 << 20
KMEMLEAK = "/sys/kernel/debug/kmemleak"
DISKS = [320 * MIB, 64 * MIB, 64 * MIB, 16 * MIB]


def socket_directory(name):
    """A short path, because a unix socket's may have no more than 107 characters."""
    key = hashlib.sha1(image.TOP.encode()).hexdigest()[:6]
    path = os.path.join(tempfile.gettempdir(), "bed-%d-%s" % (os.getuid(), key), name)
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def end_leftovers(directory):
    """A run that was killed may have left its machines; their files are about to be reused."""
    for pid_file in glob.glob(os.path.join(directory, "*", "pid")):
        with contextlib.suppress(OSError, ValueError):
            pid = int(open(pid_file).read())
            if os.path.dirname(pid_file).encode() in open("/proc/%d/cmdline" % pid, "rb").read():
                os.kill(pid, signal.SIGKILL)


class Bed:
    """
    name     tells beds of one checkout apart; directory build/vm/run/<name> is the bed's alone
    members  (host name, IPv4 address with prefix) of both nodes
    disks    sizes in bytes of vdb, vdc, ... of each node
    outlive  the nodes stay up when the program that started them ends
    """

    def __init__(self, name, members=(("n1", "10.77.0.1/24"), ("n2", "10.77.0.2/24")), disks=tuple(DISKS),
                 outlive=False):
        self.name, self.disk_sizes = name, list(disks)
        self.images = image.Images()
        self.directory = os.path.join(image.CACHE, "run", name)
        self.sockets = socket_directory(name)
        end_leftovers(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        hosts = ",".join("%s:%s" % (host, address.split("/")[0]) for host, address in members)
        self.nodes = [node.Node(self.images, host, address, self.directory, self.sockets, number + 1, hosts)
                      for number, (host, address) in enumerate(members)]
        first, second = self.nodes
        first.peer, second.peer = second.name, first.name
        first.outlive = second.outlive = outlive
        self.n1, self.n2 = first, second

    def start(self, kernels=("6.1", "6.1"), memory=os.environ.get("BED_MEMORY", "512M"), cpus=1):
        for each, kernel in zip(self.nodes, kernels):
            each.make_disks(self.disk_sizes)
            each.start(kernel=kernel, memory=memory, cpus=cpus, wait=False)
        for each in self.nodes:
            each.wait_booted()

    def stop(self):
        for each in self.nodes:
            each.power_cut()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def remove(self):
        """Its disks and logs go too; what tests want to keep they have copied."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def leaks(self):
        """What a node's kernel has forgotten to free, by kmemleak where it has that; once more after a while, to be sure."""
        found = []
        for each in self.nodes:
            if each.alive() and each.run("test -e %s" % KMEMLEAK, check=False).status == 0:
                report = each.run("cd /; for i in 1 2; do echo scan > %s; sleep 6; done; cat %s" % (KMEMLEAK, KMEMLEAK),
                                  timeout=300 * each.slow).stdout
                found += ["%s: %s" % (each.name, report)] if report else []
        return found

    def mark(self):
        for each in self.nodes:
            each.mark()

    def reset(self, kernels=None, calm=False, volatile=False):
        """
        Both nodes up, nothing configured, no module loaded, network whole, disks empty. A node which cannot be
        brought there by asking loses its power. calm: they have been asked already. volatile: of the disks' caches.
        """
        for index, each in enumerate(self.nodes):
            kernel = kernels[index] if kernels else each.series
            if kernel != each.series or volatile != each.volatile or not (each.alive() if calm else self.calm(each)):
                each.power_cut()
                each.volatile = volatile
                each.start(kernel=kernel, wait=False)
        for each in self.nodes:
            if each.qmp is None:
                each.wait_booted()
            each.restore_link()
            for path, size in zip(each.disks, self.disk_sizes):
                with open(path, "r+b") as handle:
                    handle.truncate(0)
                    handle.truncate(size)
            for cache in each.caches:
                cache.emptied()
            # The node may still hold pages of what was on its disks.
            each.run("rm -f /etc/drbd.d/*.res /var/lib/drbd/*; echo 3 > /proc/sys/vm/drop_caches;"
                     " for disk in /dev/vd[b-h]; do blockdev --flushbufs $disk; done; true")

    @staticmethod
    def calm(each):
        """Takes everything down that a test left behind; false if the node will not."""
        if not each.alive() or each.qmp is None:
            return False
        try:
            each.restore_link()
            return each.run(
                "pkill -9 fio; pkill -9 -f [b]ed-load; umount -fl /mnt/* /mnt 2>/dev/null; tc qdisc del dev eth0 root"
                " 2>/dev/null; iptables -F 2>/dev/null;"
                " if grep -q '^drbd ' /proc/modules; then"
                "   timeout 20 drbdsetup down $(drbdsetup show 2>/dev/null | sed -n 's/^resource \\([^ ]*\\) .*/\\1/p')"
                "   >/dev/null 2>&1;"
                "   for r in $(drbdsetup show 2>/dev/null | sed -n 's/^resource \\([^ ]*\\) .*/\\1/p'); do"
                "     timeout 20 drbdsetup secondary $r --force; timeout 20 drbdsetup down $r; done;"
                "   timeout 20 rmmod drbd || exit 1;"
                " fi >/dev/null 2>&1; vgchange -an >/dev/null 2>&1; dmsetup remove_all >/dev/null 2>&1;"
                " for m in drbd scsi_debug brd null_blk; do"
                "   ! grep -q \"^$m \" /proc/modules || rmmod $m || exit 1; done; exit 0",
                check=False, timeout=90).status == 0
        except (node.agent.CommandFailed, OSError, RuntimeError):
            return False
