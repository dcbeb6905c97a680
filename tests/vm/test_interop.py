# SPDX-License-Identifier: GPL-2.0
"""What two nodes have to agree on packet by packet, and the other tests do not touch."""

import re

import pytest

pytestmark = pytest.mark.mixed


def hash_of(node, device, mebibytes, seek=0):
    return node.out("dd if=%s bs=1M skip=%d count=%d iflag=direct status=none | sha1sum" % (device, seek, mebibytes))


def adjust(r0):
    r0.write()
    r0.each(None, "drbdadm adjust " + r0.name)


@pytest.mark.parametrize("leaver", [0, 1])
def test_graceful_disconnect_and_back(lab, leaver):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    node = lab.nodes[leaver]
    for number in range(3):
        r0.adm(node, "disconnect")
        r0.wait(node, cs="StandAlone")
        r0.wait(lab.other(node), cs="WFConnection")
        r0.fill(lab.n1, 1, seek=4 + number)
        r0.adm(node, "connect")
        r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.parametrize("source", [0, 1])
def test_bitmap_of_several_packets(lab, source):
    """A volume whose plain bitmap needs three packets, with more in it than run lengths carry well."""
    r0 = lab.resource(net={"use-rle": "no"}, disks=("/dev/vdb",))
    node = lab.nodes[source]
    r0.in_sync(primary=node)
    lab.bed.n1.cut_link()
    r0.wait(node, cs="WFConnection")
    node.run("fio --name=w --filename=%s --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=16 --size=318M"
             " --io_size=3M --randseed=5" % r0.device(), timeout=240)
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


def test_settings_changed_while_connected(lab):
    r0 = lab.resource(protocol="C", net={"verify-alg": "sha1"})
    r0.in_sync(primary=lab.n1)
    logs = [node.log() for node in lab.nodes]
    r0.net.update({"verify-alg": "md5", "csums-alg": "crc32c", "data-integrity-alg": "sha1"})
    r0.protocol = "A"
    adjust(r0)
    r0.wait(cs="Connected", protocol="A")
    r0.fill(lab.n1, 2)
    r0.assert_mirrored()
    r0.net["data-integrity-alg"] = "crc32c"
    r0.protocol = "B"
    adjust(r0)
    r0.wait(cs="Connected", protocol="B")
    r0.fill(lab.n1, 2, seek=4)
    assert r0.verify(lab.n1) == 0
    del r0.net["data-integrity-alg"]
    adjust(r0)
    r0.fill(lab.n1, 1, seek=8)
    r0.assert_mirrored()
    r0.assert_oos(0)
    assert "WFConnection" not in "".join(node.log()[len(start):] for node, start in zip(lab.nodes, logs))


def test_digests_with_discard_zeroes_and_remote_reads(lab):
    r0 = lab.resource(net={"data-integrity-alg": "sha1"})
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 4)
    lab.n1.run("blkdiscard -o 1048576 -l 1048576 " + r0.device())
    r0.assert_mirrored()
    if lab.n1.module == "ours":
        # The genuine module drops the connection over its own digest-less zeroes.
        lab.n1.run("blkdiscard -z -o 65536 -l 524288 " + r0.device())
        r0.assert_mirrored()
        r0.wait(cs="Connected")
    before = hash_of(lab.n1, r0.device(), 4)
    r0.adm(lab.n1, "detach")
    r0.wait(lab.n1, disk="Diskless")
    assert hash_of(lab.n1, r0.device(), 4) == before
    assert "PausedSync" not in r0.status(lab.n1).cs and r0.status(lab.n1).cs == "Connected"


@pytest.mark.parametrize("primary", [0, 1])
def test_reads_from_the_peer_while_the_own_disk_is_behind(lab, primary):
    """A Primary that is sync target reads what it lacks from its peer."""
    r0 = lab.resource(disk={"resync-rate": "1M"})
    one, two = lab.nodes[primary], lab.other(lab.nodes[primary])
    r0.in_sync(primary=two)
    lab.bed.n1.cut_link()
    r0.wait(two, cs="WFConnection")
    r0.fill(two, 12, seek=2)
    expected = hash_of(two, r0.device(), 12, seek=2)
    r0.adm(two, "secondary")
    lab.bed.n1.restore_link()
    r0.wait(one, cs="SyncTarget")
    r0.adm(one, "primary")
    assert hash_of(one, r0.device(), 12, seek=2) == expected
    r0.fill(one, 1, seek=20)
    r0.each(None, "drbdadm disk-options --resync-rate=40M r0")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.parametrize("writer", [0, 1])
def test_congestion_pulls_ahead_and_catches_up(lab, writer):
    r0 = lab.resource(protocol="A", net={"on-congestion": "pull-ahead", "congestion-fill": "256k", "sndbuf-size": "1M"})
    one, two = lab.nodes[writer], lab.other(lab.nodes[writer])
    r0.in_sync(primary=one)
    for node in lab.nodes:
        node.netem("delay 150ms rate 4mbit")
    r0.fill(one, 4)
    assert r0.status(one).cs == "Ahead", r0.status(one).text
    for node in lab.nodes:
        node.netem()
    r0.wait(two, cs=("Behind", "SyncTarget", "Connected"))
    r0.wait_synced(timeout=120)
    r0.assert_mirrored()
    r0.assert_oos(0)


def test_verify_from_start_to_stop(lab):
    r0 = lab.resource(net={"verify-alg": "crc32c"})
    r0.in_sync(primary=lab.n1)
    for block in (10, 600, 3000):
        lab.n2.run("printf corrupt | dd of=/dev/vdc bs=1 seek=$((%d * 4096)) conv=notrunc status=none; sync" % block)
    for node in lab.nodes:
        node.run("drbdsetup verify 0 --start=4000s --stop=8000s")
        r0.wait(cs="Connected")
        assert r0.status(node).oos == 4, r0.status(node).text
    # Writing a block makes it alike and known to be so.
    lab.n1.run("dd if=/dev/zero of=/dev/drbd0 bs=4k seek=600 count=1 oflag=direct status=none")
    assert sorted(r0.differences()) == [10, 3000]


def test_volume_grows_online(lab):
    r0 = lab.resource(disk={"size": "24M"})
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 2)
    before = r0.size(lab.n1)
    r0.disk["size"] = "40M"
    r0.write()
    r0.adm(lab.n1, "resize")
    r0.wait_synced()
    for node in lab.nodes:
        assert r0.size(node) == 40 << 20 > before
    r0.fill(lab.n1, 4, seek=30)
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.parametrize("loser", [0, 1])
def test_split_brain_without_changes_heals_itself(lab, loser):
    r0 = lab.resource(net={"after-sb-0pri": "discard-zero-changes", "after-sb-1pri": "consensus"})
    r0.in_sync(primary=lab.n1)
    lab.bed.n1.cut_link()
    r0.wait(cs="WFConnection")
    r0.adm(lab.n2, "primary")
    keeper = lab.other(lab.nodes[loser])
    r0.fill(keeper, 1, seek=3)
    for node in lab.nodes:
        r0.adm(node, "secondary")
    expected = r0.lab.nodes[1 - loser].out("dd if=/dev/vdc bs=1M skip=3 count=1 iflag=direct status=none | sha1sum")
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_mirrored()
    assert lab.nodes[loser].out("dd if=/dev/vdc bs=1M skip=3 count=1 iflag=direct status=none | sha1sum") == expected
    r0.assert_oos(0)


@pytest.mark.parametrize("source", [0, 1])
def test_thin_resync_leaves_holes(lab, source):
    r0 = lab.resource(disk={"rs-discard-granularity": "65536"})
    one, two = lab.nodes[source], lab.other(lab.nodes[source])
    r0.in_sync(primary=one)
    r0.fill(one, 8)
    lab.bed.n1.cut_link()
    r0.wait(one, cs="WFConnection")
    one.run("blkdiscard -o 2097152 -l 4194304 " + r0.device())
    r0.fill(one, 1, seek=4)
    lab.bed.n1.restore_link()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    assert two.out("dd if=/dev/vdc bs=1M skip=2 count=2 iflag=direct status=none | tr -d '\\0' | wc -c") == "0"


def test_volumes_wait_for_each_other(lab):
    """resync-after: one volume after the other, on both nodes alike."""
    r0 = lab.resource(disks=("/dev/vdc", "/dev/vdd"), disk={"resync-rate": "4M"})
    r0.create()
    text = r0.text().replace("volume 1 { device", "volume 1 { disk { resync-after r0/0; } device")
    r0.each(None, "cat > /etc/drbd.d/r0.res", text.encode())
    r0.up()
    r0.wait(cs="Connected", disk="Inconsistent", peer_disk="Inconsistent")
    r0.adm(lab.n1, "primary", "--force")
    r0.wait(lab.n2, volume=1, cs="PausedSyncT")
    r0.wait(lab.n1, volume=1, cs="PausedSyncS")
    r0.each(None, "drbdadm disk-options --resync-rate=40M r0")
    r0.wait_synced(timeout=120)
    for volume in (0, 1):
        r0.assert_mirrored(volume)


def test_peer_without_a_disk_from_the_start(lab):
    r0 = lab.resource()
    r0.in_sync()
    r0.adm(lab.n1, "down")
    lab.n1.run("drbdsetup new-resource r0; drbdsetup new-minor r0 0 0")
    r0.adm(lab.n1, "connect")
    r0.wait(lab.n1, cs="Connected", disk="Diskless", peer_disk="UpToDate")
    r0.adm(lab.n1, "primary")
    r0.fill(lab.n1, 2)
    lab.n1.run("blkdiscard -o 0 -l 524288 " + r0.device())
    written = hash_of(lab.n1, r0.device(), 2)
    assert lab.n2.out("dd if=/dev/vdc bs=1M count=2 iflag=direct status=none | sha1sum") == written
    r0.adm(lab.n1, "attach")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


def test_suspended_writes_arrive_after_the_peer_comes_back(lab):
    """fencing resource-and-stonith whose handler decides nothing: writes wait for the peer, and no one resyncs."""
    r0 = lab.resource(disk={"fencing": "resource-and-stonith"}, extra="  handlers { fence-peer /bin/false; }\n")
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 1)
    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection")
    job = lab.n1.spawn("dd if=/dev/urandom of=/dev/drbd0 bs=64k count=4 seek=32 oflag=direct status=none")
    lab.n1.run("sleep 2")
    assert job.running(), "a write was completed although the peer may be Primary"
    lab.bed.n1.restore_link()
    job.wait(60)
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    assert not re.search("SyncSource", "\n".join(line for line in lab.n1.log().splitlines() if "resync of" in line))
