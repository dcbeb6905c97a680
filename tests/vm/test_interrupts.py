# SPDX-License-Identifier: GPL-2.0
"""Whoever waits for something that does not come can be told to stop, and what is waited for can be looked up."""

import time

import pytest


def interrupted(node, command, signal, hint=None):
    """
    The command waits; a signal to it and its children, as ctrl-c sends, ends all of them soon. hint: what debugfs calls
    that which it waits for. Returns its exit status.
    """
    job = node.spawn("setsid env --default-signal=INT,TERM %s & p=$!; echo $p; wait $p" % command)
    node.wait_for("the command", lambda: job.stdout.strip())
    group = job.stdout.strip()
    node.run("sleep 2")
    assert job.running(), "%s has not waited: %s" % (command, job.stderr)
    if hint and node.module == "ours":
        assert hint in node.out("cat /sys/kernel/debug/drbd/resources/r0/threads")
    begun = time.monotonic()
    node.run("kill -%s -%s" % (signal, group))
    assert job.ended.wait(10 * node.slow), "%s goes on after SIG%s" % (command, signal)
    node.wait_for("the end of all of %s" % command, lambda: node.run("kill -0 -%s" % group, check=False).status, 10 * node.slow)
    took = time.monotonic() - begun
    print("%s: ended %.1f s after SIG%s with %s" % (command, took, signal, job.status))
    assert took < 1 + node.slow, command
    return job.status


def hanging_resource(lab):
    for node in lab.nodes:
        node.run("modprobe dm_mod 2>/dev/null; echo 0 131072 linear /dev/vdc 0 | dmsetup create hangs; test -b /dev/dm-0")
    r0 = lab.resource(disks=("/dev/dm-0",))
    r0.in_sync(primary=lab.n1)
    return r0


def let_go(lab):
    lab.n1.run("dmsetup resume hangs; true")
    for node in lab.nodes:
        node.run("drbdadm down r0; dmsetup remove hangs", check=False)


@pytest.mark.long
@pytest.mark.parametrize("signal", ["INT", "TERM"])
def test_detach_of_a_disk_that_hangs_is_given_up(lab, signal):
    """It leaves the disk as it was; detached by force, everything goes down while it hangs."""
    r0 = hanging_resource(lab)
    try:
        r0.fill(lab.n1, 4)
        lab.n1.run("dmsetup suspend --noflush --nolockfs hangs")
        writer = lab.n1.spawn("dd if=/dev/zero of=/dev/drbd0 bs=4k count=1 oflag=direct")
        lab.n1.wait_for("a write under way", lambda: r0.status(lab.n1).lo)
        assert interrupted(lab.n1, "drbdadm detach r0", signal, "io_has_stopped") != 0
        assert r0.status(lab.n1).disk == "UpToDate"
        assert lab.n1.run("drbdadm down r0", check=False).status == 11, "dd has it open"
        r0.adm(lab.n1, "detach", "--force", timeout=60)
        writer.wait(60)
        r0.wait(lab.n1, disk=("Failed", "Diskless"), cs="Connected")
        r0.adm(lab.n1, "secondary")
        assert interrupted(lab.n1, "drbdadm down r0", signal) != 0
    finally:
        let_go(lab)
    assert r0.status(lab.n1).cs == "absent"


@pytest.mark.long
def test_a_peer_that_is_silent_or_dead_keeps_nobody_waiting(lab):
    """Asking for its consent ends with the connection; waiting for it to come ends with a signal."""
    r0 = lab.resource(disks=("/dev/vde",))
    r0.in_sync()
    lab.bed.n1.cut_link()
    begun = time.monotonic()
    r0.adm(lab.n1, "primary", check=False, timeout=60)
    assert time.monotonic() - begun < 10 + 3 * lab.slow
    r0.wait(lab.n1, cs="WFConnection")
    for signal in ("INT", "TERM"):
        interrupted(lab.n1, "drbdadm wait-connect r0", signal)
        interrupted(lab.n1, "drbdsetup wait-connect %d" % r0.first_minor, signal)
    r0.adm(lab.n1, "down", timeout=60)
    assert r0.status(lab.n1).cs == "absent"
    lab.bed.n1.restore_link()


def test_who_has_the_device_open_is_told(lab):
    r0 = lab.resource(disks=("/dev/vde",))
    r0.in_sync(primary=lab.n1)
    holder = lab.n1.spawn("exec sleep 600 < /dev/drbd0")
    lab.n1.run("sleep 1")
    for command in ("secondary", "down"):
        refused = r0.adm(lab.n1, command, check=False)
        assert refused.status == 11 and "/dev/drbd0 is open (1 times), last opened by " in refused.stderr
    holder.kill()
    holder.ended.wait(30)
    r0.adm(lab.n1, "down")
