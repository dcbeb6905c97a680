# SPDX-License-Identifier: GPL-2.0
"""A power cut at any write of a resize: the metadata are always there, at the old end of the disk or at the new one."""

import os
import re
import shutil
import subprocess

import node as node_module
import pytest
import volatile

pytestmark = [pytest.mark.volatile, pytest.mark.long]

OLD, NEW = 32 << 20, 64 << 20


def table(size):
    return "0 %d linear /dev/vdc 0" % (size // 512)


class Replay:
    """The disk as every prefix of its log leaves it: whole, and as far as the old size went."""

    def __init__(self, disk, directory):
        self.whole, self.old = os.path.join(directory, "whole"), os.path.join(directory, "old")
        self.state = os.path.join(directory, "state")
        os.mkdir(self.state)
        shutil.copyfile(disk.base, self.whole)
        shutil.copyfile(disk.base, self.old)
        os.truncate(self.old, OLD)
        self.log = open(disk.log, "rb")
        *self.entries, _ = volatile.entries(self.log, disk.position)

    def apply(self, entry, part=None):
        data, sector, count, flags = entry
        count = count if part is None else part
        for path, limit in ((self.whole, NEW // 512), (self.old, OLD // 512)):
            inside = max(0, min(count, limit - sector))
            with open(path, "r+b") as handle:
                volatile.Disk.replay(self.log, handle, data, sector, inside, flags, None)

    def metadata(self, path):
        """Size in sectors that the metadata at the end of that disk tell of; None without."""
        done = subprocess.run([node_module.TOOLS["drbdmeta"], "--var-lib-drbd", self.state, "-f", "4711", "v08", path,
                               "internal", "dump-md"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        found = re.search(r"^la-size-sect (\d+);", done.stdout, re.M)
        return int(found.group(1)) if done.returncode == 0 and found else None


@pytest.mark.parametrize("words", ["-- --assume-clean", ""])
def test_power_cut_at_every_write_of_a_resize(lab, words, tmp_path):
    for each in lab.nodes:
        each.run("modprobe dm_mod; echo %s | dmsetup create --noudevsync grow && dmsetup mknodes grow" % table(OLD))
    r0 = lab.resource(disks=("/dev/mapper/grow",))
    r0.in_sync(primary=lab.n1)
    before = r0.size(lab.n1) // 512
    r0.fill(lab.n1, 1)
    cache = lab.n1.caches[1]
    lab.n1.run("sync; blockdev --flushbufs /dev/vdc")
    with open(cache.log, "rb") as log:
        *quiet, _ = volatile.entries(log, cache.position)
    for each in lab.nodes:
        each.run("dmsetup suspend --noudevsync grow && echo %s | dmsetup reload grow && dmsetup resume --noudevsync grow"
                 % table(NEW))
    lab.n1.run("drbdadm %s resize r0" % words)
    r0.wait_synced(timeout=300)
    after = r0.size(lab.n1) // 512
    assert after > before
    lab.n1.qmp.ask("stop")
    replay = Replay(cache, str(tmp_path))
    lab.n1.qmp.ask("cont")

    seen = []
    for number, entry in enumerate(replay.entries):
        _, sector, count, _ = entry
        if number >= len(quiet) and count and sector + count > before - 2048:
            # Torn in the middle, too.
            replay.apply(entry, count // 2)
            seen.append((replay.metadata(replay.old), replay.metadata(replay.whole)))
            assert set(seen[-1]) & {before, after}, "write %d, torn: no metadata" % number
        replay.apply(entry)
        if number >= len(quiet) and count and sector + count > before - 2048:
            seen.append((replay.metadata(replay.old), replay.metadata(replay.whole)))
            assert set(seen[-1]) & {before, after}, "write %d: no metadata" % number
            assert seen[-1][1] in (None, before, after)
    assert seen[0][0] == before and seen[-1][1] == after
    print("%d states looked at, %d writes in all" % (len(seen), len(replay.entries)), flush=True)
