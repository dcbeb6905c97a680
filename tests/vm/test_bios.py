# SPDX-License-Identifier: GPL-2.0
"""Requests that are not plain: parts of larger ones, such that fail in part, such whose pages have an owner."""

import pytest

BAD = 16384             # sector of the lower disk from which 4 KiB can not be had


def lower(node, bad):
    """/dev/mapper/lowerc: /dev/vdc, with a bad spot if so wanted."""
    size = int(node.out("blockdev --getsz /dev/vdc"))
    table = "0 %d linear /dev/vdc 0" % size
    if bad:
        table = "0 %d linear /dev/vdc 0\n%d 8 error\n%d %d linear /dev/vdc %d" % (
            BAD, BAD, BAD + 8, size - BAD - 8, BAD + 8)
    node.run("modprobe dm_mod; printf '%s\\n' | dmsetup create --noudevsync lowerc && dmsetup mknodes lowerc"
             % table.replace("\n", "\\n"))


@pytest.mark.mixed
def test_parts_of_larger_requests_arrive_whole(lab):
    """A striped device above splits each request into clones that begin and end amid a page of it."""
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    sectors = r0.size(lab.n1) // 512 // 8 * 8
    lab.n1.run("modprobe dm_mod; echo 0 %d striped 1 8 %s 0 | dmsetup create --noudevsync parts && dmsetup mknodes parts"
               % (sectors, r0.device()))
    # 129 sectors: neither the buffers in memory nor the places on the disk begin where pages do.
    fio = ("fio --name=w --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bs=66048 --size=6604800 --randseed=11"
           " --verify=crc32c --verify_fatal=1 --group_reporting --minimal --filename=")
    lab.n1.run(fio + "/dev/mapper/parts --do_verify=1", timeout=240)
    lab.n1.run("dmsetup remove --noudevsync parts")
    lab.n1.run(fio + r0.device() + " --verify_only", timeout=240)
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.parametrize("protocol", ["A", "C"])
@pytest.mark.parametrize("broken", ["primary", "secondary"])
def test_an_error_of_an_early_part_counts_although_later_parts_succeed(lab, broken, protocol):
    r0 = lab.resource(disks=("/dev/mapper/lowerc",), protocol=protocol, disk={"on-io-error": "detach"})
    victim, healthy = (lab.n1, lab.n2) if broken == "primary" else (lab.n2, lab.n1)
    lower(victim, True)
    lower(healthy, False)
    r0.in_sync(primary=lab.n1)
    # 64 KiB, of which the second 4 KiB can not be written there.
    lab.n1.run("dd if=/dev/vda of=/tmp/noise bs=64k count=1 skip=77 status=none && dd if=/tmp/noise of=%s bs=64k seek=%d"
               " oflag=direct,seek_bytes conv=notrunc status=none" % (r0.device(), BAD * 512 - 4096))
    r0.wait(victim, disk="Diskless")
    r0.wait(healthy, disk="UpToDate", peer_disk="Diskless")
    lab.n1.run("dd if=%s bs=64k count=1 skip=%d iflag=direct,skip_bytes status=none | cmp - /tmp/noise"
               % (r0.device(), BAD * 512 - 4096))
    # A better disk gets all of the request.
    victim.run("dmsetup remove --noudevsync lowerc")
    lower(victim, False)
    r0.adm(victim, "attach")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


def test_pages_keep_still_while_they_are_sent(lab):
    """Page cache and file systems are told to; a file whose mapped pages change all the time stays alike on both."""
    r0 = lab.resource(net={"data-integrity-alg": "crc32c"})
    r0.in_sync(primary=lab.n1)
    assert lab.n1.out("cat /sys/block/drbd0/queue/stable_writes").strip() == "1"
    lab.n1.run("mkfs.ext4 -q -F %s && mount %s /mnt" % (r0.device(), r0.device()), timeout=240)
    lab.n1.run("fio --name=m --filename=/mnt/f --ioengine=mmap --rw=randwrite --bs=512 --size=1M --io_size=8M"
               " --sync_file_range=write:64 --randseed=3 --minimal; umount /mnt", timeout=240)
    assert "ProtocolError" not in lab.n1.out("dmesg | grep -i drbd; true")
    r0.assert_mirrored()
    r0.assert_oos(0)
