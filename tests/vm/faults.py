# SPDX-License-Identifier: GPL-2.0
"""A backing disk that fails when it is told to: a map of the device mapper over one of the node's disks."""


class FaultyDisk:
    """
    /dev/mapper/<name>-<letter>, whose last letter is that of the disk below: drbd.Resource finds its file by that.

    bad(first, count)	sectors that can neither be read nor written; all of them by default
    unwritable()	can be read, but not written, nor its cache flushed
    hang()		nothing comes back, until any of the others is called
    good()		as new, with what was written
    """

    def __init__(self, node, below="/dev/vdc", name="faulty"):
        self.node, self.below, self.map = node, below, "%s-%s" % (name, below[-1])
        self.path = "/dev/mapper/" + self.map
        self.sectors = int(node.out("blockdev --getsz " + below))
        node.run("modprobe dm_mod; modprobe dm_flakey; dmsetup create %s --table '%s' && dmsetup mknodes && test -b %s"
                 % (self.map, self.linear(0, self.sectors), self.path))

    def linear(self, first, count):
        return "%d %d linear %s %d" % (first, count, self.below, first)

    def change(self, *lines):
        self.node.run("dmsetup suspend --noflush --nolockfs %s; dmsetup load %s && dmsetup resume %s"
                      % ((self.map,) * 3), data="\n".join(lines).encode(), timeout=60)

    def good(self):
        self.change(self.linear(0, self.sectors))

    def bad(self, first=0, count=None):
        count = self.sectors - first if count is None else count
        end = first + count
        lines = [self.linear(0, first)] if first else []
        lines.append("%d %d error" % (first, count))
        if end < self.sectors:
            lines.append(self.linear(end, self.sectors - end))
        self.change(*lines)

    def unwritable(self):
        self.change("0 %d flakey %s 0 0 3600 1 error_writes" % (self.sectors, self.below))

    def hang(self):
        self.node.run("dmsetup suspend --noflush --nolockfs " + self.map)

    def remove(self):
        self.good()
        self.node.run("for i in 1 2 3 4 5 6 7 8 9 10; do dmsetup remove %s && break; sleep 1; done" % self.map, check=False)
