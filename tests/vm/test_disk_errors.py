# SPDX-License-Identifier: GPL-2.0
"""Backing disks that fail: users see nothing of it while one copy is left, and the copies are alike again in the end."""

import contextlib
import time

import faults
import load
import pytest

HANDLERS = """  handlers {
    local-io-error "env > /run/local-io-error"; pri-on-incon-degr "echo called >> /run/pri-on-incon-degr";
  }
"""


@contextlib.contextmanager
def faulty(lab, below="/dev/vdc", meta=None, **settings):
    """A resource whose disks, or whose metadata's disks, can be made fail; both nodes' faults."""
    broken = [faults.FaultyDisk(node, meta or below) for node in lab.nodes]
    for node in lab.nodes:
        node.run("rm -f /run/local-io-error /run/pri-on-incon-degr")
    if meta:
        settings["meta"] = (broken[0].path,)
    r0 = lab.resource(disks=(below if meta else broken[0].path,), extra=HANDLERS, **settings)
    try:
        yield r0, broken
    finally:
        for node, disk in zip(lab.nodes, broken):
            if node.alive() and node.qmp:
                node.run("pkill -9 bed-load; dmsetup resume %s; drbdadm resume-io r0; drbdadm down r0 || { sleep 2; drbdadm down r0; }"
                         % disk.map, check=False, timeout=120)
                disk.remove()


def whole(r0, node):
    return node.out("dd if=%s bs=1M count=16 iflag=direct status=none | sha1sum" % r0.device(), timeout=120)


def recover(r0, node):
    """As an administrator would: take what is left of the bad disk away, and attach the good one."""
    if r0.status(node).disk == "Inconsistent":
        r0.adm(node, "disconnect", "--force")
        r0.wait(node, cs="StandAlone")
        r0.adm(node, "connect")
    else:
        r0.wait(node, disk="Diskless")
        r0.adm(node, "attach")
    r0.wait_synced(timeout=240)


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("policy", ["pass_on", "call-local-io-error", "detach"])
def test_a_block_that_can_not_be_read_comes_from_the_peer(lab, policy):
    with faulty(lab, disk={"on-io-error": policy}) as (r0, disks):
        r0.in_sync(primary=lab.n1)
        r0.fill(lab.n1, 16)
        expected = whole(r0, lab.n1)
        disks[0].bad(8000, 16)
        assert whole(r0, lab.n1) == expected
        left = "Inconsistent" if policy == "pass_on" else "Diskless"
        r0.wait(lab.n1, cs="Connected", disk=left, peer_disk="UpToDate")
        r0.wait(lab.n2, cs="Connected", disk="UpToDate", peer_disk=left)
        told = lab.n1.run("cat /run/local-io-error", check=False)
        assert (told.status == 0) == (policy == "call-local-io-error")
        if told.status == 0:
            words = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
            assert words.items() >= {"DRBD_RESOURCE": "r0", "DRBD_MINOR": "0", "DRBD_VOLUME": "0",
                                     "DRBD_LL_DISK": disks[0].path, "DRBD_PEER": "n2"}.items(), words
        # Whatever is asked now: the good copy answers.
        r0.fill(lab.n1, 1, seek=20)
        assert whole(r0, lab.n1) == expected
        disks[0].good()
        recover(r0, lab.n1)
        assert whole(r0, lab.n1) == expected
        r0.assert_mirrored()
        r0.assert_oos(0)


CASES = [("C", "detach", 0), ("C", "detach", 1), ("C", "pass_on", 0), ("C", "pass_on", 1), ("C", "call-local-io-error", 1),
         ("B", "detach", 1), ("B", "pass_on", 1), ("A", "detach", 0), ("A", "detach", 1), ("A", "pass_on", 0), ("A", "pass_on", 1)]


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("protocol, policy, victim", CASES)
def test_writes_that_fail_on_one_disk(lab, protocol, policy, victim):
    """The load goes on; once the disk is good again, both have every write that was acknowledged."""
    with faulty(lab, protocol=protocol, disk={"on-io-error": policy}) as (r0, disks):
        r0.in_sync(primary=lab.n1)
        node, other = lab.nodes[victim], lab.nodes[1 - victim]
        busy = load.Load(lab.n1, r0.device(), count=4096, seconds=25)
        busy.wait_acked(50)
        disks[victim].unwritable()
        r0.wait(node, disk=("Diskless", "Inconsistent"))
        r0.wait(other, peer_disk=("Diskless", "Inconsistent"))
        busy.wait_acked(len(busy.acked) + 50)
        disks[victim].good()
        if policy == "pass_on":
            # Cured after the load: the connection has to be made anew for it.
            busy.finish()
            recover(r0, node)
        else:
            recover(r0, node)
            busy.finish()
        r0.wait_synced()
        r0.assert_mirrored()
        r0.assert_oos(0)
        for each in lab.nodes:
            load.check(r0.image(each), [busy])


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("policy", ["pass_on", "detach"])
def test_metadata_that_can_not_be_written_cost_the_disk(lab, victim, policy):
    """Whatever the policy says of data: without metadata nothing would be remembered."""
    with faulty(lab, meta="/dev/vdd", disk={"on-io-error": policy}) as (r0, disks):
        r0.in_sync(primary=lab.n1)
        node = lab.nodes[victim]
        busy = load.Load(lab.n1, r0.device(), count=8192, seconds=35)
        busy.wait_acked(30)
        disks[victim].bad()
        # Nothing is written there until something is to be remembered.
        if not victim:
            lab.n1.run("dd if=/dev/zero of=/dev/drbd0 bs=4k seek=15500 count=1 oflag=direct status=none", timeout=60)
        else:
            lab.bed.n1.cut_link()
            r0.wait(node, cs="WFConnection")
            lab.bed.n1.restore_link()
        r0.wait(node, disk="Diskless", cs="Connected")
        acked = len(busy.acked)
        busy.wait_acked(acked + 50)
        disks[victim].good()
        recover(r0, node)
        busy.finish()
        r0.wait_synced()
        r0.assert_mirrored(0)
        r0.assert_oos(0)
        for each in lab.nodes:
            load.check(r0.image(each), [busy])


@pytest.mark.long
def test_a_primarys_disk_that_hangs_is_given_up_after_disk_timeout(lab):
    """The load stops for as long, and goes on with the peer's disk."""
    with faulty(lab, disk={"disk-timeout": 40}) as (r0, disks):
        r0.in_sync(primary=lab.n1)
        busy = load.Load(lab.n1, r0.device(), count=4096, seconds=45)
        busy.wait_acked(50)
        disks[0].hang()
        begun = time.monotonic()
        r0.wait(lab.n1, disk=("Failed", "Diskless"))
        assert time.monotonic() - begun < 12 + 4 * lab.slow
        busy.wait_acked(len(busy.acked) + 50)
        assert r0.status(lab.n1).cs == "Connected"
        disks[0].good()
        recover(r0, lab.n1)
        busy.finish()
        r0.wait_synced()
        r0.assert_mirrored()
        r0.assert_oos(0)
        for each in lab.nodes:
            load.check(r0.image(each), [busy])


@pytest.mark.long
@pytest.mark.mixed
def test_a_secondary_whose_disk_hangs_is_left_behind(lab):
    """Its answers do not come for ko-count times timeout: the Primary goes on alone, until the other one can answer again."""
    with faulty(lab, net={"timeout": 30, "ko-count": 2}) as (r0, disks):
        r0.in_sync(primary=lab.n1)
        busy = load.Load(lab.n1, r0.device(), count=4096, seconds=60)
        busy.wait_acked(50)
        disks[1].hang()
        r0.wait(lab.n1, cs="WFConnection", disk="UpToDate")
        busy.wait_acked(len(busy.acked) + 50)
        assert lab.n2.run("drbdsetup status r0 --verbose; cat /proc/drbd", timeout=30).status == 0
        disks[1].good()
        r0.wait_synced(timeout=120)
        busy.finish()
        r0.wait_synced()
        r0.assert_mirrored()
        r0.assert_oos(0)
        for each in lab.nodes:
            load.check(r0.image(each), [busy])


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("protocol", ["A", "C"])
def test_a_primary_loses_and_regains_its_disk_under_load(lab, protocol):
    r0 = lab.resource(protocol=protocol)
    r0.in_sync(primary=lab.n1)
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=70)
    for node in (lab.n1, lab.n2):
        busy.wait_acked(len(busy.acked) + 50)
        r0.adm(node, "detach")
        r0.wait(node, disk="Diskless")
        busy.wait_acked(len(busy.acked) + 50)
        r0.adm(node, "attach")
        r0.wait_synced()
    busy.finish()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    for each in lab.nodes:
        load.check(r0.image(each), [busy])


@pytest.mark.long
@pytest.mark.mixed
def test_a_source_that_can_not_read_some_blocks_leaves_just_those(lab):
    """The sync ends without them, and the target does not pass for good; a later one brings them."""
    with faulty(lab, disk={"on-io-error": "pass_on"}) as (r0, disks):
        r0.in_sync(primary=lab.n1)
        r0.adm(lab.n2, "disconnect", "--force")
        r0.wait(lab.n1, cs="WFConnection")
        r0.fill(lab.n1, 8)
        expected = whole(r0, lab.n1)
        disks[0].bad(4000, 32)
        r0.adm(lab.n2, "connect")
        r0.wait(lab.n2, disk="Inconsistent", peer_disk="UpToDate", cs=("Connected", "SyncTarget"))
        # What was asked for together fails together: up to 1 MiB each.
        lab.n2.wait_for("all but the bad blocks", lambda: 0 < r0.status(lab.n2).oos <= 2048)
        lab.n2.run("sleep 3")
        status = r0.status(lab.n2)
        assert 16 <= status.oos <= 2048 and status.disk == "Inconsistent", status.text
        assert r0.status(lab.n1).cs == "Connected"
        disks[0].good()
        r0.adm(lab.n2, "disconnect", "--force")
        r0.wait(lab.n2, cs="StandAlone")
        r0.wait(lab.n1, cs="WFConnection")
        r0.adm(lab.n2, "connect")
        r0.wait_synced()
        assert whole(r0, lab.n1) == expected
        r0.assert_mirrored()
        r0.assert_oos(0)


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("policy", ["pass_on", "detach"])
def test_a_target_that_can_not_write_some_blocks_does_not_pass_for_good(lab, policy):
    with faulty(lab, disk={"on-io-error": policy}) as (r0, disks):
        r0.in_sync(primary=lab.n1)
        r0.adm(lab.n2, "disconnect", "--force")
        r0.wait(lab.n1, cs="WFConnection")
        r0.fill(lab.n1, 8)
        disks[1].bad(4000, 32)
        r0.adm(lab.n2, "connect")
        left = "Inconsistent" if policy == "pass_on" else "Diskless"
        r0.wait(lab.n2, disk=left, peer_disk="UpToDate")
        lab.n2.run("sleep 3")
        assert r0.status(lab.n2).disk == left
        r0.fill(lab.n1, 1, seek=12)
        disks[1].good()
        if policy == "pass_on":
            r0.adm(lab.n2, "disconnect", "--force")
            r0.wait(lab.n2, cs="StandAlone")
            r0.wait(lab.n1, cs="WFConnection")
            r0.adm(lab.n2, "connect")
        else:
            r0.adm(lab.n2, "attach")
        r0.wait_synced()
        r0.assert_mirrored()
        r0.assert_oos(0)


@pytest.mark.long
@pytest.mark.mixed
def test_writes_fail_when_no_disk_is_left_and_none_is_lost_before(lab):
    """on-no-data-accessible io-error: EIO, a word to the administrator; what was acknowledged is there afterwards."""
    with faulty(lab, options="on-no-data-accessible io-error;") as (r0, disks):
        r0.in_sync(primary=lab.n1)
        busy = load.Load(lab.n1, r0.device(), count=4096, seconds=120)
        busy.wait_acked(50)
        disks[0].unwritable()
        r0.wait(lab.n1, disk="Diskless", peer_disk="UpToDate")
        busy.wait_acked(len(busy.acked) + 50)
        disks[1].unwritable()
        busy.job.wait(60, check=False)
        assert busy.error == 5
        r0.wait(lab.n1, disk="Diskless", peer_disk="Diskless")
        lab.n1.wait_for("the helper", lambda: lab.n1.run("test -e /run/pri-on-incon-degr", check=False).status == 0)
        assert lab.n1.run("dd if=/dev/drbd0 bs=4k count=1 iflag=direct status=none | wc -c", check=False).stdout.strip() == "0"
        assert lab.n1.run("dd if=/dev/zero of=/dev/drbd0 bs=4k count=1 oflag=direct status=none", check=False).status == 1
        for disk in disks:
            disk.good()
        load.check(r0.image(lab.n2), [busy])
        r0.adm(lab.n1, "secondary")
        r0.adm(lab.n2, "attach")
        r0.adm(lab.n1, "attach")
        r0.wait_synced()
        r0.adm(lab.n1, "primary")
        r0.fill(lab.n1, 1, seek=40)
        r0.assert_mirrored()
        r0.assert_oos(0)
        load.check(r0.image(lab.n1), [busy])


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("back", ["peer", "disk"])
def test_writes_wait_when_no_disk_is_left_and_go_on_when_one_is_back(lab, back):
    """on-no-data-accessible suspend-io: frozen, never failed."""
    r0 = lab.resource(options="on-no-data-accessible suspend-io;")
    r0.in_sync(primary=lab.n1)
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=70)
    busy.wait_acked(50)
    if back == "peer":
        # The disk goes first: what is written then is only at the peer, which therefore has to come back.
        r0.adm(lab.n1, "detach")
        busy.wait_acked(len(busy.acked) + 50)
        lab.bed.n1.cut_link()
        r0.wait(lab.n1, cs="WFConnection", disk="Diskless")
    else:
        lab.bed.n1.cut_link()
        r0.wait(lab.n1, cs="WFConnection")
        busy.wait_acked(len(busy.acked) + 50)
        r0.adm(lab.n1, "detach", "--force", check=False, timeout=60)
        r0.wait(lab.n1, disk="Diskless")
    lab.n1.run("sleep 2")
    acked = len(busy.acked)
    lab.n1.run("sleep 3")
    assert len(busy.acked) == acked and busy.job.running(), "error %s" % busy.error
    assert "suspended:no-data" in lab.n1.out("drbdsetup status r0 --verbose")
    if back == "peer":
        lab.bed.n1.restore_link()
        busy.wait_acked(acked + 50)
        r0.adm(lab.n1, "attach")
    else:
        r0.adm(lab.n1, "attach")
        busy.wait_acked(acked + 50)
        lab.bed.n1.restore_link()
    busy.finish()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    for each in lab.nodes:
        load.check(r0.image(each), [busy])
