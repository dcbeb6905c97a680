# SPDX-License-Identifier: GPL-2.0
"""What one side missed is copied later: all of it, and little more."""

import load
import pytest


def write_apart(lab, r0, writer, mebibytes=2, seek=8):
    """Cuts the link, writes on the primary only, and leaves the link cut."""
    lab.bed.n1.cut_link()
    r0.wait(writer, cs="WFConnection", peer_disk="DUnknown")
    r0.fill(writer, mebibytes, seek=seek)
    assert r0.status(writer).oos == mebibytes * 1024


@pytest.mark.core
@pytest.mark.mixed
def test_first_sync_copies_everything(lab):
    r0 = lab.resource()
    r0.create()
    # Noise on the disk that becomes the source, other noise on the target.
    for node, seek in ((lab.n1, 1), (lab.n2, 3)):
        node.run("dd if=/dev/urandom of=/dev/vdc bs=1M count=4 seek=%d conv=notrunc oflag=direct status=none" % seek)
    r0.up()
    r0.wait(cs="Connected", disk="Inconsistent")
    r0.adm(lab.n1, "primary", "--force")
    r0.wait_synced(timeout=400)
    r0.assert_mirrored()
    r0.assert_oos(0)
    assert r0.status(lab.n2).nr * 1024 >= r0.size(lab.n1)
    assert r0.uuids(lab.n1)[0][:-1] == r0.uuids(lab.n2)[0][:-1]


@pytest.mark.mixed
def test_first_sync_with_default_settings(lab):
    r0 = lab.resource(defaults=False, disks=("/dev/vdd",))
    r0.connected_blank()
    r0.adm(lab.n1, "primary", "--force")
    r0.fill(lab.n1, 2, seek=2)
    r0.wait_synced(timeout=400)
    r0.assert_mirrored()


@pytest.mark.mixed
@pytest.mark.parametrize("rle", [pytest.param("yes", marks=pytest.mark.core), "no"])
def test_only_what_was_written_apart_is_copied(lab, rle):
    r0 = lab.resource(net={"use-rle": rle})
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 4)
    received = r0.status(lab.n2).nr
    write_apart(lab, r0, lab.n1)
    assert len(r0.differences(size=r0.size(lab.n1))) == 512
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    copied = r0.status(lab.n2).nr - received
    assert copied == 2048, "%d KiB copied, 2048 written apart" % copied


@pytest.mark.mixed
def test_scattered_bits_survive_both_encodings_of_the_bitmap(lab):
    """Every third block: what run lengths compress worst."""
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection")
    lab.n1.run("fio --name=w --filename=%s --rw=write:8k --bs=4k --direct=1 --ioengine=libaio --iodepth=16 --size=6M"
               " --io_size=2M" % r0.device(), timeout=240)
    written = r0.status(lab.n1).oos
    assert written == 2048
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.mixed
def test_checksum_resync_sends_only_what_differs(lab):
    r0 = lab.resource(net={"csums-alg": "sha1"})
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 4)
    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection")
    # Three MiB rewritten with what they held, one changed.
    lab.n1.run("dd if=%s of=/tmp/same bs=1M count=3 iflag=direct status=none &&"
               " dd if=/tmp/same of=%s bs=1M conv=notrunc oflag=direct status=none" % (r0.device(), r0.device()))
    r0.fill(lab.n1, 1, seek=3)
    received = r0.status(lab.n2).nr
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    assert r0.status(lab.n2).nr - received <= 1100


@pytest.mark.mixed
@pytest.mark.parametrize("verifier", [pytest.param(0, marks=pytest.mark.core), 1])
def test_verify_finds_the_corrupted_block_and_nothing_else(lab, verifier):
    r0 = lab.resource(net={"verify-alg": "sha1"}, disks=("/dev/vdd",))
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 4)
    assert r0.verify(lab.nodes[verifier]) == 0
    lab.n2.run("printf corrupt | dd of=/dev/vdd bs=1 seek=$((100 * 4096 + 77)) conv=notrunc status=none; sync")
    assert r0.differences() == [100]
    assert r0.verify(lab.nodes[verifier]) == 4
    # Repaired by the next handshake.
    r0.adm(lab.n2, "disconnect")
    r0.wait(lab.n2, cs="StandAlone")
    r0.adm(lab.n2, "connect")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.parametrize("verifier", [0, 1])
def test_verify_repairs_what_it_finds(lab, verifier):
    """From the Primary's data, wherever it was asked for, and without a new connection."""
    r0 = lab.resource(net={"verify-alg": "sha1"}, disks=("/dev/vdd",))
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 4)
    lab.n2.run("printf corrupt | dd of=/dev/vdd bs=1 seek=$((100 * 4096 + 77)) conv=notrunc status=none; sync")
    assert r0.differences() == [100]
    connected = lab.n1.log().count("WFConnection")
    lab.nodes[verifier].run("drbdadm verify --repair r0")
    lab.n2.wait_for("the repair", lambda: "resync done: 4 KiB" in lab.n2.log(), 240)
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    assert lab.n1.log().count("WFConnection") == connected


@pytest.mark.long
def test_verify_under_load_finds_nothing(lab):
    """A write that is on its way to one of the disks is not taken for a difference."""
    r0 = lab.resource(net={"verify-alg": "crc32c"}, disk={"c-min-rate": 0}, disks=("/dev/vdd",))
    r0.in_sync(primary=lab.n1)
    busy = load.Load(lab.n1, r0.device(), count=2048, seconds=300)
    busy.wait_acked(50)
    before = len(busy.acked)
    r0.adm(lab.n2, "verify")
    lab.n2.wait_for("the end of the verify", lambda: "verify done" in lab.n2.log(), 240)
    assert len(busy.acked) > before and busy.job.running(), "nothing was written during the verify"
    assert "verify done" in lab.n2.log() and ": 0 blocks are out of sync" in lab.n2.log()
    busy.job.kill()
    busy.job.wait(60, check=False)
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.mixed
def test_invalidate_refetches_everything(lab):
    r0 = lab.resource(disks=("/dev/vdd",))
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 4)
    lab.n2.run("dd if=/dev/zero of=/dev/vdd bs=1M count=4 oflag=direct conv=notrunc status=none")
    r0.adm(lab.n2, "invalidate")
    r0.wait_synced(timeout=300)
    r0.assert_mirrored()
    lab.n2.run("dd if=/dev/zero of=/dev/vdd bs=1M count=4 oflag=direct conv=notrunc status=none")
    r0.adm(lab.n1, "invalidate-remote")
    r0.wait_synced(timeout=300)
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.mixed
@pytest.mark.parametrize("pauser", [0, 1])
def test_sync_pauses_and_goes_on(lab, pauser):
    r0 = lab.resource(disk={"resync-rate": "2M"})
    r0.in_sync(primary=lab.n1)
    write_apart(lab, r0, lab.n1, mebibytes=12)
    lab.bed.n1.restore_link()
    r0.wait(lab.n2, cs="SyncTarget")
    node = lab.nodes[pauser]
    r0.adm(node, "pause-sync")
    r0.wait(lab.n1, cs="PausedSyncS")
    r0.wait(lab.n2, cs="PausedSyncT")
    before = r0.status(lab.n2).oos
    assert before
    lab.n2.run("sleep 2")
    assert r0.status(lab.n2).oos >= before - 256
    r0.adm(node, "resume-sync")
    r0.adm(node, "disk-options", "--resync-rate=40M")
    r0.adm(lab.other(node), "disk-options", "--resync-rate=40M")
    r0.wait_synced()
    r0.assert_mirrored()


@pytest.mark.mixed
def test_link_lost_during_sync(lab):
    r0 = lab.resource(disk={"resync-rate": "3M"})
    r0.in_sync(primary=lab.n1)
    write_apart(lab, r0, lab.n1, mebibytes=16)
    lab.bed.n1.restore_link()
    r0.wait(lab.n2, cs="SyncTarget")
    lab.n2.wait_for("some of it", lambda: r0.status(lab.n2).oos < 14000)
    lab.bed.n1.cut_link()
    r0.wait(cs="WFConnection")
    left = r0.status(lab.n1).oos
    assert 0 < left < 16384
    assert r0.status(lab.n2).disk == "Inconsistent"
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.mixed
def test_writes_during_sync(lab):
    r0 = lab.resource(disk={"resync-rate": "3M"})
    r0.in_sync(primary=lab.n1)
    write_apart(lab, r0, lab.n1, mebibytes=12)
    lab.bed.n1.restore_link()
    r0.wait(lab.n2, cs="SyncTarget")
    lab.n1.run("fio --name=w --filename=%s --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=8 --size=32M"
               " --io_size=2M --randseed=3" % r0.device(), timeout=300)
    r0.wait_synced(timeout=300)
    r0.assert_mirrored()
    r0.assert_oos(0)
