# SPDX-License-Identifier: GPL-2.0
"""What acknowledged writes promise: the host's end of guest/load.c, which documents blocks and lines."""

import struct

BLOCK = 4096
WORDS = BLOCK // 8
MAGIC = 0x62656431
MASK = (1 << 64) - 1
ALL = struct.Struct("<%dQ" % WORDS)


def mix(x):
    x ^= x >> 33
    x = x * 0xff51afd7ed558ccd & MASK
    x ^= x >> 33
    x = x * 0xc4ceb9fe1a85ec53 & MASK
    return x ^ (x >> 33)


def block_read(data):
    """(writer, block, sequence) of one block, None of one that no load wrote; AssertionError for a mangled one."""
    words = ALL.unpack(data)
    if words[0] >> 32 != MAGIC:
        return None
    writer, block, sequence = words[0] & 255, words[1], words[2]
    base = mix((block * 0x9e3779b97f4a7c15 & MASK) ^ writer << 56 ^ sequence)
    for index in range(3, WORDS):
        assert words[index] == base + index & MASK, "block %d of write %d is torn at word %d" % (
            block, sequence, index)
    return writer, block, sequence


class Load:
    """A load under way on one node, and what it has promised so far."""

    def __init__(self, node, device, writer=1, first=0, count=4096, seconds=30, threads=8, seed=1, sync=False):
        self.node, self.writer = node, writer
        self.begun = {}			# sequence -> (first block, count)
        self.acked = set()
        self.error = None
        self.rest = b""
        self.job = node.spawn("exec bed-load %s %d %d %d %d %d %d%s" % (
            device, writer, first, count, seconds, threads, seed, " sync" if sync else ""), sink=self.take)

    def take(self, kind, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            words = line.split()
            if words[:1] == [b"+"]:
                self.begun[int(words[1])] = (int(words[2]), int(words[3]))
            elif words[:1] == [b"-"]:
                self.acked.add(int(words[1]))
            elif words[:1] == [b"!"]:
                self.error = int(words[1])

    def wait_acked(self, count):
        self.node.wait_for("%d acknowledged writes" % count, lambda: len(self.acked) >= count or not self.job.running())
        assert len(self.acked) >= count, "the load ended after %d writes, error %s" % (len(self.acked), self.error)

    def finish(self, timeout=120):
        result = self.job.wait(timeout, check=False)
        assert result.status == 0, "the load ended with status %d, errno %s" % (result.status, self.error)


def unheard_of(loads, found):
    """The last writes before a node lost its power may have reached a disk, but not their lines the host."""
    for order, load in enumerate(loads):
        if load.job.gone and load.writer == found[0] and found[2] not in load.begun:
            return order, found[2]
    return None


def may_be_torn(loads, known, newest):
    """Was a write of this block, newer than what was acknowledged, under way when its node lost its power?"""
    return any(loads[order].job.gone and sequence not in loads[order].acked and (newest is None or (order, sequence) > newest)
               for order, sequence in known.values())


def check(path, loads, lost_cache=False):
    """
    Every acknowledged write of the loads, run one after the other or in separate areas, is in the image at `path`,
    unless a later write of the same block took its place; and no block holds anything else, but, with lost_cache (every
    disk lost its cache with the power), parts of a write that was not acknowledged. Returns how many blocks
    were looked at.
    """
    newest, allowed = {}, {}
    for order, load in enumerate(loads):
        for sequence, (first, count) in sorted(load.begun.items()):
            for block in range(first, first + count):
                key = (order, sequence)
                if sequence in load.acked:
                    newest[block] = key
                allowed.setdefault(block, {})[(load.writer, sequence)] = key
    with open(path, "rb") as image:
        for block, known in sorted(allowed.items()):
            image.seek(block * BLOCK)
            try:
                found = block_read(image.read(BLOCK))
            except AssertionError as error:
                if lost_cache and may_be_torn(loads, known, newest.get(block)):
                    continue
                raise AssertionError("%s, block %d: %s" % (path, block, error)) from None
            if found is None:
                assert block not in newest, "%s: acknowledged write %s of block %d is lost" % (
                    path, newest[block], block)
                continue
            assert found[1] == block, "%s: block %d holds what belongs to block %d" % (path, block, found[1])
            key = known.get((found[0], found[2])) or unheard_of(loads, found)
            assert key, "%s: block %d holds write %d of writer %d, which was never begun" % (
                path, block, found[2], found[0])
            assert block not in newest or key >= newest[block], (
                "%s: block %d holds write %s, but write %s is newer and was acknowledged" % (
                    path, block, key, newest[block]))
    return len(allowed)
