# SPDX-License-Identifier: GPL-2.0
"""
Disks that lose their cache with the power.

QEMU's blklogwrites driver writes down each write and flush beside the disk, in the format of dm-log-writes. When the
power is cut, the disk is made anew of what it was before and of what the log says: all that a flush had covered, what
was written with FUA, and of the rest a random part, by sectors.
"""

import contextlib
import ctypes
import os
import shutil
import struct

SECTOR = 512
SUPER = struct.Struct("<QQQI")		# magic, version, entries, sector size
ENTRY = struct.Struct("<QQQQ")		# sector, sectors, flags, bytes of data
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4
PUNCH_HOLE = 3				# FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE


def entries(log, start):
    """(offset of the data, sector, sectors, flags) of each entry from `start` on; last the offset behind them."""
    size = os.fstat(log.fileno()).st_size
    while start + SECTOR <= size:
        sector, count, flags, _ = ENTRY.unpack(os.pread(log.fileno(), ENTRY.size, start))
        if not count and not flags:
            break
        data = start + SECTOR
        start = data + (0 if flags & DISCARD else count * SECTOR)
        yield data, sector, count, flags
    yield start, None, None, None


def punch(handle, start, length):
    if length > 0:
        ctypes.CDLL(None, use_errno=True).fallocate(
            handle.fileno(), PUNCH_HOLE, ctypes.c_longlong(start), ctypes.c_longlong(length))


class Disk:
    """One disk of a node, `path`; `drive` is what QEMU is told."""

    def __init__(self, path):
        self.path, self.base, self.log = path, path + ".base", path + ".log"
        self.drive = ("if=virtio,driver=blklogwrites,file.driver=file,file.filename=%s,log.driver=file,log.filename=%s,"
                      "cache=writeback,discard=unmap,file.discard=unmap" % (path, self.log))
        self.begin()

    def begin(self):
        """What the disk holds now is on the medium. Its node is off."""
        shutil.copyfile(self.path, self.base + ".new")
        os.replace(self.base + ".new", self.base)
        with open(self.log, "wb") as handle:
            handle.truncate(0)
        self.position = SECTOR

    def emptied(self):
        """The same while the node runs, is calm, and all the disk holds has just become zeros."""
        with open(self.log, "r+b") as log:
            *_, (end, _, _, _) = entries(log, self.position)
            punch(log, self.position, end - self.position)
        self.position = end
        size = os.path.getsize(self.path)
        with open(self.base, "r+b") as base:
            base.truncate(0)
            base.truncate(size)

    def power_lost(self, chance):
        """The node has been stopped, with all its I/O done and one more flush, and then killed."""
        with open(self.log, "rb") as log:
            head = log.read(SUPER.size)
            if not head:
                return 0	# nothing was written at all
            if SUPER.unpack(head)[0] != MAGIC:
                raise AssertionError("%s is no log of writes" % self.log)
            *found, _ = entries(log, self.position)
            if found and found[-1][2:] == (0, FLUSH):
                found.pop()
            kept = max((number for number, entry in enumerate(found) if entry[3] & FLUSH), default=-1)
            shutil.copyfile(self.base, self.path)
            lost = 0
            with open(self.path, "r+b") as disk:
                for number, (data, sector, count, flags) in enumerate(found):
                    certain = number <= kept or flags & FUA
                    lost += self.replay(log, disk, data, sector, count, flags, None if certain else chance)
        return lost

    @staticmethod
    def replay(log, disk, data, sector, count, flags, chance):
        """Writes it, or if there is a chance, all, nothing or some sectors of it; returns how many it left out."""
        fate = chance.choice(("all", "none", "torn")) if chance else "all"
        if fate == "none":
            return count
        if flags & DISCARD:
            punch(disk, sector * SECTOR, count * SECTOR)
            return 0
        content = os.pread(log.fileno(), count * SECTOR, data)
        if fate == "all":
            disk.seek(sector * SECTOR)
            disk.write(content)
            return 0
        lost = 0
        for index in range(count):
            if chance.random() < 0.5:
                lost += 1
                continue
            disk.seek((sector + index) * SECTOR)
            disk.write(content[index * SECTOR:(index + 1) * SECTOR])
        return lost

    def remove(self):
        for path in (self.base, self.log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
