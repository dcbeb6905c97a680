# SPDX-License-Identifier: GPL-2.0
"""Configuring, connecting and taking down, however often."""

import os

import pytest


@pytest.mark.mixed
@pytest.mark.parametrize("algorithm", [pytest.param("sha1", marks=pytest.mark.core), "sha256"])
def test_shared_secret(lab, algorithm):
    r0 = lab.resource(net={"cram-hmac-alg": algorithm, "shared-secret": "\"some secret\""})
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 1)
    r0.assert_mirrored()


@pytest.mark.mixed
def test_wrong_secret_keeps_strangers_out(lab):
    r0 = lab.resource(net={"cram-hmac-alg": "sha1", "shared-secret": "\"some secret\""})
    r0.create()
    other = lab.resource(net={"cram-hmac-alg": "sha1", "shared-secret": "\"another\""})
    other.write(lab.n2)
    r0.up(lab.n1)
    other.up(lab.n2)
    lab.n1.wait_for("a refusal", lambda: "uthentic" in lab.n1.log() + lab.n2.log())
    lab.n1.run("sleep 2")
    for node in lab.nodes:
        assert r0.status(node).cs not in ("Connected", "SyncSource", "SyncTarget")


@pytest.mark.mixed
@pytest.mark.parametrize("digest", ["sha1", "crc32c"])
def test_data_integrity_digests(lab, digest):
    r0 = lab.resource(net={"data-integrity-alg": digest})
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 2)
    r0.assert_mirrored()
    r0.wait(cs="Connected")


@pytest.mark.mixed
def test_ipv6(lab):
    r0 = lab.resource(ipv6=True)
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 1)
    r0.assert_mirrored()
    assert lab.n1.out("ss -6 -tn | grep -c 7789") != "0"


@pytest.mark.mixed
def test_detach_and_attach(lab):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    r0.adm(lab.n2, "detach")
    r0.wait(lab.n1, peer_disk="Diskless")
    r0.fill(lab.n1, 2)
    assert r0.status(lab.n1).oos == 2048
    r0.adm(lab.n2, "attach")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.mixed
def test_a_primary_in_use_stays(lab):
    """What is refused is refused with a reason, and changes nothing."""
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    refused = r0.adm(lab.n2, "primary", check=False)
    assert refused.status == 11 and "Multiple primaries" in refused.stderr
    lab.n1.run("sleep 60 < /dev/drbd0 >/dev/null 2>&1 &")
    refused = r0.adm(lab.n1, "secondary", check=False)
    assert refused.status == 11 and "held open" in refused.stderr
    assert r0.status(lab.n1).role == "Primary"
    lab.n1.run("pkill sleep")
    r0.adm(lab.n1, "secondary")
    r0.wait(lab.n2, peer_role="Secondary")


@pytest.mark.mixed
def test_io_while_the_only_link_is_slow_and_lossy(lab):
    r0 = lab.resource(protocol="A", disks=("/dev/vdd",))
    r0.in_sync(primary=lab.n1)
    for node in lab.nodes:
        node.netem("delay 30ms 10ms loss 1%")
    r0.fill(lab.n1, 2)
    r0.settle()
    for node in lab.nodes:
        node.netem()
    r0.wait_synced()
    r0.assert_mirrored()


def slab_objects(node):
    """Objects in caches named after the module, and all memory the kernel holds in slabs, in KiB."""
    own = node.out("awk '/^drbd/ { n += $2 } END { print n + 0 }' /proc/slabinfo")
    whole = node.out("sync; echo 3 > /proc/sys/vm/drop_caches; awk '/^SUnreclaim/ { print $2 }' /proc/meminfo")
    return int(own), int(whole)


@pytest.mark.mixed
def test_nothing_is_left_behind(lab):
    """Configured, connected, written to and taken down again and again; then the module can go."""
    cycles = int(os.environ.get("BED_CYCLES", "100" if lab.long else "8"))
    r0 = lab.resource(disks=("/dev/vde",))
    r0.in_sync()
    before = None
    for cycle in range(cycles):
        r0.adm(lab.n1, "primary")
        lab.n1.run("dd if=/dev/zero of=/dev/drbd0 bs=64k count=4 oflag=direct status=none")
        r0.adm(lab.n1, "secondary")
        for node in lab.nodes:
            r0.adm(node, "down")
        if cycle == 1:
            before = [slab_objects(node) for node in lab.nodes]
        if cycle < cycles - 1:
            r0.up()
            r0.wait_synced()
    for node, (own, whole) in zip(lab.nodes, before):
        after = slab_objects(node)
        assert after[0] <= own + 64, "%s: %d objects more" % (node.name, after[0] - own)
        # 8 KiB a cycle would be a leak; caches of the rest of the kernel come and go.
        assert after[1] <= whole + 1500 + 8 * cycles, "%s: %d KiB more" % (node.name, after[1] - whole)
        assert node.out("cat /proc/drbd | grep -c cs: || true") == "0"
        node.unload()
        assert node.out("awk '/^drbd/' /proc/slabinfo") == ""
        assert node.out("ps ax | grep -c '[d]rbd_' || true") == "0"
