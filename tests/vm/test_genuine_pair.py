# SPDX-License-Identifier: GPL-2.0
"""The distribution's module and tools on both nodes: proves that the bed shows what it should."""

import os

import load
import pytest

pytestmark = pytest.mark.genuine_only


def test_two_genuine_nodes_mirror_through_cut_and_power_loss(lab):
    r0 = lab.resource(net={"verify-alg": "sha1"})
    r0.connected_blank()
    r0.adm(lab.n1, "primary", "--force")
    r0.wait(lab.n1, cs=("SyncSource", "Connected"), disk="UpToDate")
    r0.wait_synced(timeout=300)
    r0.fill(lab.n1, 4)
    r0.assert_mirrored()

    lab.n1.run("fio --name=w --filename=/dev/drbd0 --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=8"
               " --size=8M --io_size=2M --verify=crc32c --do_verify=1 --randseed=1", timeout=240)
    r0.assert_mirrored()

    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection", peer_disk="DUnknown")
    r0.fill(lab.n1, 2, seek=8)
    out_of_sync = r0.status(lab.n1).oos
    assert out_of_sync == 2048
    assert r0.differences(size=r0.size(lab.n1))
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_oos(0)
    r0.assert_mirrored()
    assert r0.verify(lab.n1) == 0

    busy = load.Load(lab.n1, r0.device(), count=2048, seconds=120)
    busy.wait_acked(100)
    lab.n1.power_cut()
    load.check(r0.image(lab.n2), [busy])
    r0.wait(lab.n2, cs="WFConnection")
    r0.adm(lab.n2, "primary")
    lab.n1.restart()
    lab.n1.load()
    r0.up(lab.n1)
    r0.wait_synced()
    assert r0.status(lab.n2).role == "Primary"
    r0.assert_mirrored()


def test_an_alarm_on_a_console_is_seen(lab):
    """The one check that all others lean on."""
    lab.n2.run("echo 'WARNING: CPU: 0 made up' > /dev/kmsg")
    lab.n2.wait_for("the alarm", lab.n2.alarms)
    assert "made up" in lab.alarms()[0]
    lab.n2.mark()


def test_a_lost_write_is_told_from_a_kept_one(lab):
    """The checker of loads finds what it is there to find."""
    lab.n1.unload()
    busy = load.Load(lab.n1, "/dev/vdc", count=64, seconds=3, threads=4)
    busy.finish()
    assert load.check(lab.n1.disks[1], [busy]) > 32
    some = next(iter(sorted(busy.acked)))
    block = busy.begun[some][0]
    with open(lab.n1.disks[1], "r+b") as image:
        image.seek(block * load.BLOCK)
        image.write(b"\0" * load.BLOCK)
    with pytest.raises(AssertionError, match="lost"):
        load.check(lab.n1.disks[1], [busy])
    assert os.path.getsize(lab.n1.disks[1]) == lab.bed.disk_sizes[1]
