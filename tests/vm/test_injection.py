# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail wherever one is made, on a kernel that lets them: `make check-debug`."""

import os
import subprocess

import load
import pytest

pytestmark = pytest.mark.debug

# For N = 1, 2, ...: the command with its Nth allocation failing, then what takes back what it may have done; until the
# command does fewer than N. A failure has to be one the caller is told of, and a success a real one.
EACH_ONE = r"""
cd /tmp; n=0
while :; do
    n=$((n + 1)); rm -f seen
    LD_PRELOAD=/root/fail_nth.so FAIL_NTH=$n FAIL_NTH_SEEN=/tmp/seen timeout 60 %(command)s >said 2>&1; status=$?
    [ $status -lt 124 ] || { echo "allocation $n: status $status"; cat said; exit 1; }
    if [ $status -eq 0 ]; then { %(check)s ; } >/dev/null || { echo "allocation $n: success, but not so: %(check)s"; exit 1; }
    else [ -s said ] || { echo "allocation $n: failed without a word, status $status"; exit 1; }; fi
    { %(undo)s ; } >undone 2>&1 || { echo "allocation $n: no way back"; cat said undone; exit 1; }
    [ -e seen ] || break
    [ $n -lt 3000 ] || { echo "no end"; exit 1; }
done
echo "$n allocations"
"""

# What drbdadm does before each attach.
CLEAN = "drbdmeta --force 0 v08 /dev/vde internal apply-al"


@pytest.fixture
def faulty(lab):
    for node in lab.nodes:
        node.run("cd /sys/kernel/debug/failslab && echo N > ignore-gfp-wait && echo 0 > verbose && echo 0 > probability")
    yield lab
    for node in lab.nodes:
        node.run("cd /sys/kernel/debug/failslab && echo 0 > probability && echo N > task-filter")


def preload(node, directory):
    path = os.path.join(str(directory), "fail_nth.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest", "fail_nth.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o", path, source, "-ldl"], check=True)
    node.put(path, "/root/fail_nth.so")


def every_allocation(node, command, check="true", undo="true"):
    said = node.out(EACH_ONE % {"command": command, "check": check, "undo": undo}, timeout=2400)
    print("%s: %s" % (command, said), flush=True)
    assert int(said.split()[0]) > 1, said


def test_any_allocation_of_a_command_may_fail(faulty, tmp_path):
    lab, node = faulty, faulty.n1
    preload(node, tmp_path)
    r0 = lab.resource(disks=("/dev/vde",))
    r0.in_sync()
    r0.adm(node, "down")
    address = "ipv4:%s:7789 ipv4:%s:7789" % (lab.n1.address.split("/")[0], lab.n2.address.split("/")[0])
    every_allocation(node, "drbdsetup new-resource r0", "drbdsetup show r0 | grep -q r0",
                     "drbdsetup del-resource r0 || { drbdsetup new-resource r0 && drbdsetup del-resource r0; }")
    node.run("drbdsetup new-resource r0")
    every_allocation(node, "drbdsetup new-minor r0 0 0", "grep -q '^ *0: cs:' /proc/drbd",
                     "drbdsetup del-minor 0 || { drbdsetup new-minor r0 0 0 && drbdsetup del-minor 0; }")
    node.run("drbdsetup new-minor r0 0 0")
    every_allocation(node, "drbdsetup attach 0 /dev/vde /dev/vde internal", "grep -q 'ds:UpToDate\\|ds:Consistent' /proc/drbd",
                     "drbdsetup detach 0 || grep -q ds:Diskless /proc/drbd; " + CLEAN)
    node.run("drbdsetup attach 0 /dev/vde /dev/vde internal")
    r0.adm(lab.n2, "disconnect")
    every_allocation(node, "drbdsetup connect r0 %s --protocol=C --cram-hmac-alg=sha1 --shared-secret=x" % address,
                     "drbdsetup show r0 | grep -q 7789", "drbdsetup disconnect %s || ! drbdsetup show r0 | grep -q 7789" % address)
    r0.adm(lab.n2, "connect")
    node.run("drbdsetup connect r0 %s --protocol=C" % address)
    r0.wait_synced()
    for command in ("disk-options 0 --al-extents=67 --c-plan-ahead=20", "net-options %s --verify-alg=sha1 --max-buffers=3000"
                    % address, "resource-options r0 --on-no-data-accessible=suspend-io", "show r0", "status r0 --statistics",
                    "events2 r0 --now"):
        every_allocation(node, "drbdsetup " + command)
    every_allocation(node, "drbdsetup primary 0", "grep -q ro:Primary /proc/drbd", "drbdsetup secondary 0")
    every_allocation(node, "drbdsetup invalidate 0", undo="sleep 1")
    r0.wait_synced()
    every_allocation(node, "drbdsetup detach 0", "grep -q ds:Diskless /proc/drbd",
                     "grep -q 'ds:[IU]' /proc/drbd || { %s && drbdsetup attach 0 /dev/vde /dev/vde internal; }" % CLEAN)
    every_allocation(node, "drbdsetup down r0", "! grep -q cs: /proc/drbd", "drbdadm up r0 || drbdadm adjust r0")
    r0.wait_synced()
    r0.assert_mirrored()


@pytest.mark.parametrize("chance", [1, 10])
def test_allocations_fail_under_load(faulty, chance):
    """Threads of the module and the writers may get no memory, now and then; nothing is lost, and all goes on after."""
    lab = faulty
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=60)
    busy.wait_acked(20)
    for node in lab.nodes:
        node.run("for t in $(ps -eo pid,comm | awk '$2 ~ /^(drbd_|bed-load)/ { print $1 }'); do"
                 " for f in /proc/$t/task/*/make-it-fail; do echo 1 > $f; done; done;"
                 "cd /sys/kernel/debug/failslab && echo Y > task-filter && echo -1 > times && echo %d > probability" % chance)
    for _ in range(3):
        r0.adm(lab.n2, "disconnect", check=False)
        lab.n2.run("sleep 2")
        r0.adm(lab.n2, "connect", check=False)
        lab.n2.run("sleep 4")
    for node in lab.nodes:
        node.run("echo 0 > /sys/kernel/debug/failslab/probability")
    busy.job.wait(240, check=False)
    if r0.status(lab.n2).cs == "StandAlone":
        r0.adm(lab.n2, "connect")
    if r0.status(lab.n1).cs == "StandAlone":
        r0.adm(lab.n1, "connect")
    r0.wait_synced()
    r0.assert_mirrored()
    r0.assert_oos(0)
    load.check(r0.image(lab.n2), [busy])
