# SPDX-License-Identifier: GPL-2.0
"""Power cuts and cable pulls at any moment: no acknowledged write is lost, and the nodes always find together again."""

import os
import random
import re

import load
import pytest

pytestmark = pytest.mark.volatile


@pytest.mark.genuine_only
def test_a_disk_loses_what_it_had_not_flushed(lab):
    """The bed's part of all that follows."""
    lab.n1.unload()
    write = "tr '\\0' %s < /dev/zero | dd of=/dev/vdc bs=4k count=256 iflag=fullblock oflag=direct status=none"
    lab.n1.run(write % "k" + " conv=fsync")
    lab.n1.run(write % "l" + " seek=1024")
    lab.n1.power_cut()
    with open(lab.n1.disks[1], "rb") as disk:
        assert disk.read(1 << 20) == b"k" * (1 << 20)
        disk.seek(4 << 20)
        rest = disk.read(1 << 20)
    assert 0 < rest.count(b"l") < 1 << 20
    assert rest.count(b"l") + 512 * lab.n1.lost == 1 << 20


@pytest.mark.core
@pytest.mark.mixed
def test_power_cut_of_the_primary_under_load(lab):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    first = load.Load(lab.n1, r0.device(), count=4096, seconds=120)
    first.wait_acked(200)
    lab.n1.power_cut()
    load.check(r0.image(lab.n2), [first])
    r0.wait(lab.n2, cs="WFConnection")
    r0.adm(lab.n2, "primary")
    second = load.Load(lab.n2, r0.device(), writer=2, count=4096, seconds=3, seed=2)
    second.finish()
    lab.n1.restart()
    lab.n1.load()
    r0.up(lab.n1)
    r0.wait_synced()
    assert r0.status(lab.n2).role == "Primary"
    r0.assert_mirrored()
    r0.assert_oos(0)
    load.check(r0.image(lab.n1), [first, second])


@pytest.mark.mixed
def test_power_cut_of_the_secondary_under_load(lab):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=25)
    busy.wait_acked(200)
    lab.n2.power_cut()
    lab.n2.restart()
    lab.n2.load()
    r0.up(lab.n2)
    busy.finish()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    load.check(r0.image(lab.n2), [busy])


@pytest.mark.mixed
def test_power_cut_of_both(lab):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=120, sync=True)
    busy.wait_acked(200)
    lab.n1.power_cut()
    lab.n2.power_cut()
    load.check(r0.image(lab.n1), [busy], lost_cache=True)
    load.check(r0.image(lab.n2), [busy], lost_cache=True)
    for node in lab.nodes:
        node.restart()
        node.load()
    r0.up()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    load.check(r0.image(lab.n1), [busy], lost_cache=True)


@pytest.mark.mixed
def test_cable_pulled_under_load(lab):
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=15)
    busy.wait_acked(100)
    lab.bed.n1.cut_link()
    r0.wait(lab.n1, cs="WFConnection")
    r0.wait(lab.n2, cs="WFConnection")
    lab.bed.n1.restore_link()
    busy.finish()
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    load.check(r0.image(lab.n2), [busy])


@pytest.mark.mixed
def test_split_brain_is_seen_and_resolved_by_hand(lab):
    r0 = lab.resource(extra='  handlers { split-brain "touch /run/split-brain"; }\n')
    for node in lab.nodes:
        node.run("rm -f /run/split-brain")
    r0.in_sync(primary=lab.n1)
    lab.bed.n1.cut_link()
    r0.wait(cs="WFConnection")
    r0.adm(lab.n2, "primary")
    r0.fill(lab.n1, 1, seek=1)
    r0.fill(lab.n2, 1, seek=4)
    lab.bed.n1.restore_link()
    lab.n1.wait_for("both alone", lambda: {r0.status(node).cs for node in lab.nodes} <= {"StandAlone", "WFConnection"}
                    and "StandAlone" in {r0.status(node).cs for node in lab.nodes})
    r0.wait(lab.n1, lab.n2, cs=("StandAlone", "WFConnection"))
    assert re.search("split.brain", lab.n1.log() + lab.n2.log(), re.I)
    assert any(node.run("test -e /run/split-brain", check=False).status == 0 for node in lab.nodes), "no helper called"
    r0.adm(lab.n2, "disconnect", check=False)
    r0.adm(lab.n2, "secondary")
    r0.adm(lab.n2, "connect", "--discard-my-data")
    if r0.status(lab.n1).cs == "StandAlone":
        r0.adm(lab.n1, "connect")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.core
@pytest.mark.mixed
def test_rounds_of_faults(lab):
    """BED_ROUNDS random faults (100 with --long), BED_SEED starts them; the primary moves about."""
    rounds = int(os.environ.get("BED_ROUNDS", "100" if lab.long else "3"))
    seed = int(os.environ.get("BED_SEED", "1"))
    chance = random.Random(seed)
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    primary, loads = lab.n1, []
    for number in range(rounds):
        other = lab.other(primary)
        fault = chance.choice(["cut", "primary", "secondary", "disconnect", "detach"])
        print("round %d of seed %d: %s, primary %s" % (number, seed, fault, primary.name), flush=True)
        busy = load.Load(primary, r0.device(), writer=number % 250 + 1, count=4096, seconds=8, seed=seed * 1000 + number)
        loads.append(busy)
        busy.wait_acked(chance.randrange(10, 300))
        if fault == "cut":
            lab.bed.n1.cut_link()
            r0.wait(primary, cs="WFConnection")
            lab.bed.n1.restore_link()
        elif fault == "disconnect":
            r0.adm(other, "disconnect")
            other.run("sleep %.1f" % chance.uniform(0, 1))
            r0.adm(other, "connect")
        elif fault == "detach":
            r0.adm(other, "detach")
            r0.adm(other, "attach")
        else:
            victim = primary if fault == "primary" else other
            victim.power_cut()
            if victim is primary:
                load.check(r0.image(other), loads)
                r0.wait(other, cs="WFConnection")
                r0.adm(other, "primary")
                primary = other
            victim.restart()
            victim.load()
            r0.up(victim)
        if fault != "primary":
            busy.finish()
        if primary.run("drbdadm role r0").stdout.startswith("Secondary"):
            r0.adm(primary, "primary")
        r0.wait_synced(timeout=240)
        r0.assert_mirrored()
        r0.assert_oos(0)
        load.check(r0.image(lab.n1), loads)
