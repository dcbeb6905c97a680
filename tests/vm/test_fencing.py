# SPDX-License-Identifier: GPL-2.0
"""Fencing: what the handlers are told, what their exit codes do, and what comes of those that hang, die or are not there."""

import re

import load
import pytest

# Writes down what it was told, says that it is there, waits to be let go if asked to, and exits as asked to.
HANDLER = r"""#!/bin/sh
d=/run/handler; mkdir -p $d
env > $d/env.$1
echo $1 >> $d/called
[ -e $d/hold ] && echo $$ > $d/pid && while [ -e $d/hold ]; do sleep 0.1; done
[ $1 = fence ] || exit 0
exit $(cat $d/code 2>/dev/null || echo 1)
"""
HANDLERS = """  handlers {
    fence-peer "/root/handler fence"; unfence-peer "/root/handler unfence";
    before-resync-target "/root/handler before"; after-resync-target "/root/handler after";
  }
"""
# The words of the original, of ours: what is wrong with a handler's code.
BROKEN = r"fence-peer (helper|handler) (is )?broken"


def resource(lab, policy, handlers=HANDLERS, **settings):
    for node in lab.nodes:
        node.write("/root/handler", HANDLER, "755")
        node.run("rm -rf /run/handler; mkdir /run/handler")
    settings["disk"] = dict({"fencing": policy}, **settings.get("disk", {}))
    return lab.resource(extra=handlers, **settings)


def code(node, number):
    node.run("echo %s > /run/handler/code; rm -f /run/handler/called /run/handler/env.*" % number)


def hold(node):
    node.run("touch /run/handler/hold")


def let_go(node):
    node.run("rm -f /run/handler/hold /run/handler/pid")


def called(node):
    return node.out("cat /run/handler/called 2>/dev/null; true").split()


def wait_called(node, *words):
    node.wait_for("the handlers %s" % (words,), lambda: called(node)[:len(words)] == list(words))


def wait_log(node, pattern, since=0):
    node.wait_for("'%s' in the log" % pattern, lambda: re.search(pattern, node.log()[since:]))


def told(node, what):
    lines = node.out("cat /run/handler/env." + what).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def part(r0, node):
    """The link breaks, without a word to the peer, and is not sought again until `connect`."""
    r0.adm(node, "disconnect", "--force")


def write_frozen(node, r0, seek=32):
    job = node.spawn("dd if=/dev/urandom of=%s bs=64k count=4 seek=%d oflag=direct status=none" % (r0.device(), seek))
    node.run("sleep 1")
    assert job.running(), "a write was completed although the peer may be Primary"
    return job


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("ipv6", [False, True])
def test_handlers_are_told_whom_to_fence(lab, ipv6):
    r0 = resource(lab, "resource-only", disks=("/dev/vdd", "/dev/vde"), ipv6=ipv6)
    r0.in_sync(primary=lab.n1)
    code(lab.n1, 4)
    part(r0, lab.n2)
    r0.wait(lab.n1, cs="WFConnection", peer_disk="Outdated")
    r0.fill(lab.n1, 1)
    r0.adm(lab.n2, "connect")
    r0.wait_synced()
    wait_called(lab.n1, "fence", "unfence")
    lab.n2.wait_for("the end of both resyncs", lambda: sorted(called(lab.n2)) == ["after"] * 2 + ["before"] * 2)
    address = lab.n2.address6 if ipv6 else lab.n2.address
    common = {"HOME": "/", "TERM": "linux", "DRBD_RESOURCE": "r0", "DRBD_CONF": "/etc/drbd.conf",
              "DRBD_PEER_AF": "ipv6" if ipv6 else "ipv4"}
    for what in ("fence", "unfence"):
        words = told(lab.n1, what)
        assert words.items() >= dict(common, DRBD_MINOR="0 1", DRBD_PEER="n2", DRBD_PEERS="n2",
                                     DRBD_PEER_ADDRESS=address.split("/")[0]).items(), words
        assert "/sbin" in words["PATH"].split(":")
        assert "DRBD_VOLUME" not in words and "DRBD_LL_DISK" not in words
    for what in ("before", "after"):
        words = told(lab.n2, what)
        assert words.items() >= dict(common, DRBD_PEER="n1", DRBD_PEERS="n1").items(), words
        assert (words["DRBD_MINOR"], words["DRBD_VOLUME"], words["DRBD_LL_DISK"]) in (
            ("0", "0", "/dev/vdd"), ("1", "1", "/dev/vde"))
    assert called(lab.n1) == ["fence", "unfence"]
    for volume in (0, 1):
        r0.assert_mirrored(volume)


def test_without_fencing_nobody_is_fenced(lab):
    r0 = resource(lab, "dont-care")
    r0.in_sync(primary=lab.n1)
    part(r0, lab.n2)
    r0.wait(lab.n1, cs="WFConnection", peer_disk="DUnknown")
    r0.fill(lab.n1, 1)
    r0.adm(lab.n2, "connect")
    r0.wait_synced()
    lab.n2.wait_for("the end of the resync", lambda: called(lab.n2) == ["before", "after"])
    assert called(lab.n1) == []
    r0.assert_mirrored()


OUTCOMES = {3: "Inconsistent", 4: "Outdated", 5: "Outdated", 6: "DUnknown", 7: "Outdated"}


@pytest.mark.long
@pytest.mark.mixed
def test_exit_codes_of_the_handler_of_a_primary(lab):
    """resource-only: each says what the peer's disk is; what says nothing is called broken, and I/O goes on."""
    r0 = resource(lab, "resource-only")
    r0.in_sync(primary=lab.n1)
    for number in (3, 4, 5, 6, 7, 0, 1, 2, 8, 20, 255):
        code(lab.n1, number)
        since = len(lab.n1.log())
        part(r0, lab.n2)
        wait_called(lab.n1, "fence")
        if number in OUTCOMES:
            r0.wait(lab.n1, cs="WFConnection", peer_disk=OUTCOMES[number], disk="UpToDate")
        else:
            wait_log(lab.n1, BROKEN, since)
            r0.wait(lab.n1, cs="WFConnection", peer_disk="DUnknown", disk="UpToDate")
        wait_log(lab.n1, "helper .*fence-peer.* exit code %d\\b" % number, since)
        if number == 7:
            wait_log(lab.n1, "fencing is not|fencing != Stonith", since)
        if number == 6:
            wait_log(lab.n1, "(?i)peer is primary", since)
        assert bool(re.search(BROKEN, lab.n1.log()[since:])) == (number not in OUTCOMES), number
        lab.n1.run("dd if=/dev/urandom of=/dev/drbd0 bs=64k count=4 seek=4 oflag=direct status=none", timeout=30)
        r0.adm(lab.n2, "connect")
        r0.wait_synced()
        wait_called(lab.n1, "fence", "unfence")
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.long
@pytest.mark.mixed
def test_exit_codes_of_the_handler_at_a_promotion(lab):
    """A node alone is promoted if its peer was fenced: an UpToDate one by 3, 4, 5 and 7, a Consistent one by 3, 4 and 7."""
    r0 = resource(lab, "resource-only")
    r0.in_sync()
    node, refused = lab.n1, {}
    for consistent in (False, True):
        for number in (3, 4, 5, 7, 1, 6):
            # A meeting makes both know that the other one is UpToDate.
            part(r0, lab.n2)
            r0.wait(node, cs="WFConnection", peer_disk=("DUnknown", "UpToDate"), disk="UpToDate")
            if consistent:
                r0.adm(node, "down")
                r0.up(node)
                r0.wait(node, cs="WFConnection", disk="Consistent")
            code(node, number)
            since = len(node.log())
            answer = r0.adm(node, "primary", check=False, timeout=60)
            assert "fence" in called(node)
            status = r0.status(node)
            if number in (3, 4, 7) or (number == 5 and not consistent):
                assert (answer.status, status.role, status.disk) == (0, "Primary", "UpToDate"), (number, answer.stderr, status.text)
                assert status.peer_disk == OUTCOMES[number]
                r0.adm(node, "secondary")
            else:
                refused[consistent, number] = answer.status
                assert answer.status in (11, 17) and answer.stderr, (number, answer.stderr)
                assert status.role == "Secondary"
                assert status.disk == ("Outdated" if number == 6 else "Consistent" if consistent else "UpToDate"), status.text
            assert bool(re.search(BROKEN, node.log()[since:])) == (number == 1)
            r0.adm(lab.n2, "connect")
            r0.wait_synced()
    # The agent of a cluster tells the two apart.
    assert refused[True, 1] == refused[True, 5] == 17, refused
    part(r0, lab.n2)
    r0.wait(node, cs="WFConnection", peer_disk="DUnknown")
    code(node, 1)
    r0.adm(node, "primary", "--force")
    assert r0.status(node).disk == "UpToDate"
    r0.fill(node, 1)
    r0.adm(lab.n2, "connect")
    r0.wait_synced()
    r0.assert_mirrored()


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("number", [7, 3])
def test_frozen_writes_are_let_go_by_the_handler(lab, number):
    """resource-and-stonith: nothing is completed while the handler thinks; afterwards all of it, as this node's alone."""
    r0 = resource(lab, "resource-and-stonith")
    r0.in_sync(primary=lab.n1)
    before = r0.uuids(lab.n1)[0]
    code(lab.n1, number)
    hold(lab.n1)
    lab.bed.n1.cut_link()
    wait_called(lab.n1, "fence")
    job = write_frozen(lab.n1, r0)
    # Everybody may ask how things are.
    lab.n1.run("drbdsetup status r0 --verbose; drbdsetup show r0; drbdadm dstate r0; cat /proc/drbd", timeout=30)
    assert "suspended:fencing" in lab.n1.out("drbdsetup status r0 --verbose")
    assert r0.status(lab.n1).flags.startswith("d") or "s" in r0.status(lab.n1).flags, r0.status(lab.n1).text
    let_go(lab.n1)
    job.wait(60)
    r0.wait(lab.n1, cs="WFConnection", peer_disk=OUTCOMES[number])
    assert r0.uuids(lab.n1)[0] != before
    r0.fill(lab.n1, 1, seek=8)
    assert r0.status(lab.n1).oos == 1024 + 256
    lab.bed.n1.restore_link()
    r0.wait_synced()
    wait_called(lab.n1, "fence", "unfence")
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.long
@pytest.mark.mixed
def test_a_peer_that_is_back_before_the_handler_has_ended_is_not_outdated(lab):
    r0 = resource(lab, "resource-and-stonith")
    r0.in_sync(primary=lab.n1)
    before = r0.uuids(lab.n1)[0]
    code(lab.n1, 7)
    hold(lab.n1)
    lab.bed.n1.cut_link()
    wait_called(lab.n1, "fence")
    job = write_frozen(lab.n1, r0)
    lab.bed.n1.restore_link()
    r0.wait_synced()
    job.wait(60)
    let_go(lab.n1)
    wait_log(lab.n1, "fence-peer.* exit code 7")
    lab.n1.run("sleep 1")
    r0.wait(cs="Connected", disk="UpToDate", peer_disk="UpToDate")
    assert r0.uuids(lab.n1)[0] == before
    assert called(lab.n1) == ["fence"], "there was no resync"
    r0.assert_mirrored()
    r0.assert_oos(0)


# How the handler is broken, and what is said of it.
NO_USE = {
    "says nothing": ("echo 0 > /run/handler/code", BROKEN),
    "is not executable": ("chmod -x /root/handler", BROKEN),
    "is not there": ("rm /root/handler", BROKEN),
    "is killed": ("printf '%s' '$(kill -9 $$)' > /run/handler/code", BROKEN),
    "has no helper": ("echo /nowhere > /sys/module/drbd/parameters/usermode_helper", BROKEN),
}


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("broken", NO_USE)
def test_an_administrator_ends_the_freeze_that_a_handler_can_not(lab, broken):
    """I/O stays frozen until `resume-io`; then it is this node's alone, and the peer is synced when it is back."""
    r0 = resource(lab, "resource-and-stonith")
    r0.in_sync(primary=lab.n1)
    code(lab.n1, 1)
    try:
        lab.n1.run(NO_USE[broken][0])
        lab.bed.n1.cut_link()
        r0.wait(lab.n1, cs="WFConnection")
        wait_log(lab.n1, NO_USE[broken][1])
        job = write_frozen(lab.n1, r0)
        r0.wait(lab.n1, cs="WFConnection", disk="UpToDate", peer_disk="DUnknown")
        r0.adm(lab.n1, "resume-io", timeout=60)
        job.wait(60)
        r0.fill(lab.n1, 1)
    finally:
        lab.n1.run("echo /sbin/drbdadm > /sys/module/drbd/parameters/usermode_helper")
    lab.bed.n1.restore_link()
    r0.wait_synced()
    assert "split" not in lab.n1.log().lower()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.long
def test_commands_come_to_an_end_while_the_handler_hangs(lab):
    r0 = resource(lab, "resource-and-stonith")
    r0.in_sync(primary=lab.n1)
    code(lab.n1, 7)
    hold(lab.n1)
    lab.bed.n1.cut_link()
    wait_called(lab.n1, "fence")
    job = write_frozen(lab.n1, r0)
    assert r0.adm(lab.n1, "secondary", check=False, timeout=60).status == 11
    r0.adm(lab.n1, "adjust", timeout=60)
    lab.n1.run("echo 1 > /proc/sys/vm/drop_caches; drbdsetup events2 r0 --now --statistics > /dev/null", timeout=60)
    r0.adm(lab.n1, "resume-io", timeout=60)
    job.wait(60)
    r0.fill(lab.n1, 1)
    r0.adm(lab.n1, "disconnect --force", timeout=60)
    r0.wait(lab.n1, cs="StandAlone")
    r0.adm(lab.n1, "down", timeout=60)
    assert "going on without it" in lab.n1.log()
    assert r0.status(lab.n1).cs == "absent"
    let_go(lab.n1)
    lab.n1.wait_for("the end of the handler", lambda: lab.n1.out("ps ax | grep -c '[d]rbd_h_' || true") == "0")
    lab.bed.n1.restore_link()
    r0.up(lab.n1)
    r0.wait(cs="Connected", peer_disk="UpToDate", disk="UpToDate")
    r0.assert_mirrored()


@pytest.mark.long
def test_a_handler_is_waited_for_no_longer_than_helper_timeout(lab):
    """Promotion asks the handler, too, and whoever gave the command waits."""
    r0 = resource(lab, "resource-only")
    r0.in_sync()
    part(r0, lab.n2)
    r0.wait(lab.n1, cs="WFConnection", peer_disk="DUnknown")
    code(lab.n1, 4)
    hold(lab.n1)
    lab.n1.run("echo 3 > /sys/module/drbd/parameters/helper_timeout")
    try:
        # The handler is asked again and again; drbdadm would not wait for as long.
        answer = lab.n1.run("drbdsetup primary 0", check=False, timeout=90)
        assert answer.status == 11 and answer.stderr, (answer.status, answer.stderr)
        assert "going on without it, as if it had failed" in lab.n1.log()
        assert re.search(BROKEN, lab.n1.log())
        let_go(lab.n1)
        lab.n1.wait_for("the end of the handlers", lambda: lab.n1.out("ps ax | grep -c '[d]rbd_h_' || true") == "0")
        r0.adm(lab.n1, "primary")
    finally:
        let_go(lab.n1)
        lab.n1.run("echo 600 > /sys/module/drbd/parameters/helper_timeout")
    assert r0.status(lab.n1).peer_disk == "Outdated"


@pytest.mark.long
@pytest.mark.mixed
def test_the_survivor_of_a_shot_node_goes_on_with_everything(lab):
    """The handler takes the peer's power: what was frozen meanwhile completes, and nothing acknowledged is missing anywhere."""
    r0 = resource(lab, "resource-and-stonith", net={"allow-two-primaries": True})
    r0.in_sync(primary=lab.n1)
    r0.adm(lab.n2, "primary")
    loads = [load.Load(lab.n1, r0.device(), writer=1, first=0, count=2048, seconds=70),
             load.Load(lab.n2, r0.device(), writer=2, first=4096, count=2048, seconds=120)]
    for node in lab.nodes:
        code(node, 7)
        hold(node)
    for each in loads:
        each.wait_acked(50)
    lab.bed.n1.cut_link()
    for node in lab.nodes:
        wait_called(node, "fence")
    lab.n1.run("sleep 1")
    acked = [len(each.acked) for each in loads]
    lab.n1.run("sleep 2")
    assert [len(each.acked) for each in loads] == acked, "writes are acknowledged although the peer may be Primary"
    lab.n2.power_cut()
    let_go(lab.n1)
    loads[0].wait_acked(acked[0] + 50)
    r0.wait(lab.n1, cs="WFConnection", peer_disk="Outdated")
    load.check(r0.image(lab.n1), [loads[1]])
    lab.n2.restart()
    lab.n2.load()
    lab.bed.n1.restore_link()
    r0.up(lab.n2)
    loads[0].finish()
    r0.wait_synced()
    wait_called(lab.n1, "fence", "unfence")
    r0.assert_mirrored()
    r0.assert_oos(0)
    for each in loads:
        load.check(r0.image(lab.n2), [each])


@pytest.mark.long
@pytest.mark.mixed
def test_an_outdated_peer_stays_out_and_the_one_that_outdated_it_is_good_alone(lab):
    r0 = resource(lab, "resource-only")
    r0.in_sync(primary=lab.n1)
    code(lab.n1, 4)
    part(r0, lab.n2)
    r0.adm(lab.n2, "outdate")
    r0.wait(lab.n1, cs="WFConnection", peer_disk="Outdated")
    r0.fill(lab.n1, 2)
    answer = r0.adm(lab.n2, "primary", check=False, timeout=60)
    assert answer.status == 17, (answer.status, answer.stderr)
    assert called(lab.n2) == [], "what is Outdated may not even ask"
    lab.n1.power_cut()
    lab.n1.restart()
    lab.n1.load()
    lab.n1.run("rm -rf /run/handler")
    r0.up(lab.n1)
    r0.wait(lab.n1, cs="WFConnection", disk="UpToDate", peer_disk="Outdated")
    r0.adm(lab.n1, "primary")
    assert called(lab.n1) == []
    r0.adm(lab.n2, "connect")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)


@pytest.mark.long
@pytest.mark.mixed
@pytest.mark.parametrize("leaver", [0, 1])
def test_who_parts_in_peace_needs_no_handler(lab, leaver):
    """A Secondary that disconnects, or is disconnected, from a fencing Primary outdates itself."""
    r0 = resource(lab, "resource-and-stonith")
    r0.in_sync(primary=lab.n1)
    r0.adm(lab.nodes[leaver], "disconnect")
    r0.wait(lab.nodes[leaver], cs="StandAlone")
    r0.wait(lab.n1, peer_disk="Outdated")
    r0.wait(lab.n2, disk="Outdated")
    r0.fill(lab.n1, 1)
    assert called(lab.n1) == []
    r0.adm(lab.nodes[leaver], "connect")
    r0.wait_synced()
    wait_called(lab.n1, "unfence")
    r0.assert_mirrored()
    r0.assert_oos(0)
