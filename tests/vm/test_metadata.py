# SPDX-License-Identifier: GPL-2.0
"""Metadata on disk: every place it may be, and one module's taken over by the other."""

import load
import pytest


def swap_module(lab, node):
    """The other of the two modules from now on, as far as both are there."""
    letters = {"ours": "genuine", "genuine": "ours"}
    pair = {each.module for each in lab.nodes}
    node.choose(letters[node.module] if "ours" in pair else node.module, node.tools)
    node.load()


@pytest.mark.core
@pytest.mark.mixed
@pytest.mark.parametrize("end", ["clean", "power cut"])
def test_metadata_of_one_module_attaches_under_the_other(lab, end):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection")
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=4 if end == "clean" else 120)
    if end == "clean":
        busy.finish()
        r0.adm(lab.n1, "down")
        lab.n1.unload()
        lab.n1.restore_link()
    else:
        busy.wait_acked(200)
        lab.n1.restart()
    swap_module(lab, lab.n1)
    r0.up(lab.n1)
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    load.check(r0.image(lab.n1), [busy])
    load.check(r0.image(lab.n2), [busy])
    r0.adm(lab.n1, "primary")
    r0.fill(lab.n1, 1)
    r0.assert_mirrored()


@pytest.mark.mixed
@pytest.mark.parametrize("meta", ["/dev/vdb[1]", "/dev/vde"])
def test_external_metadata(lab, meta):
    """An indexed slot, and a whole device of its own (flexible)."""
    r0 = lab.resource(meta=(meta,))
    r0.in_sync(primary=lab.n1)
    assert r0.size(lab.n1) == lab.bed.disk_sizes[1], "with external metadata the whole disk is data"
    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection")
    # 8.4.11 forgets the last 64 bits of an exactly filled bitmap when it attaches.
    r0.fill(lab.n1, 2, seek=40 if "genuine" in (lab.n1.module, lab.n1.tools) else 62)
    lab.n1.restart()
    lab.n1.load()
    r0.up(lab.n1)
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


def test_clean_restart_resyncs_nothing(lab):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 2)
    r0.adm(lab.n1, "secondary")
    for node in lab.nodes:
        r0.adm(node, "down")
        node.unload()
    for node in lab.nodes:
        node.load()
    r0.up()
    r0.wait_synced()
    assert r0.status(lab.n2).nr == 0 and r0.status(lab.n1).nr == 0
    r0.assert_mirrored()


def test_identifiers_of_both_nodes_agree(lab):
    r0 = lab.resource()
    r0.in_sync()
    one, two = r0.uuids(lab.n1), r0.uuids(lab.n2)
    assert [int(uuid, 16) & ~1 for uuid in one] == [int(uuid, 16) & ~1 for uuid in two]
    r0.adm(lab.n1, "primary")
    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection")
    r0.fill(lab.n1, 1)
    apart = r0.uuids(lab.n1)
    assert int(apart[0], 16) & ~1 != int(one[0], 16) & ~1, "a new generation begins with the first write apart"
    assert int(apart[1], 16) & ~1 == int(one[0], 16) & ~1, "the bitmap is against the old one"


def test_device_grows_with_its_disks(lab):
    # dmsetup gives a disk that can grow.
    for node in lab.nodes:
        node.run("modprobe dm_mod; echo 0 65536 linear /dev/vdc 0 | dmsetup create --noudevsync grow && "
                 "dmsetup mknodes grow")
    r0 = lab.resource(disks=("/dev/mapper/grow",))
    r0.in_sync(primary=lab.n1)
    small = r0.size(lab.n1)
    r0.fill(lab.n1, 1)
    for node in lab.nodes:
        node.run("dmsetup suspend --noudevsync grow && echo 0 131072 linear /dev/vdc 0 | dmsetup reload grow &&"
                 " dmsetup resume --noudevsync grow")
    r0.adm(lab.n1, "resize")
    r0.wait_synced(timeout=300)
    assert r0.size(lab.n1) > small * 19 // 10
    lab.n1.run("dd if=/dev/urandom of=/dev/drbd0 bs=1M seek=40 count=2 oflag=direct status=none")
    r0.settle()
    sums = {node.out("dd if=/dev/mapper/grow bs=1M count=60 iflag=direct status=none | sha1sum") for node in lab.nodes}
    assert len(sums) == 1
