# SPDX-License-Identifier: GPL-2.0
"""The module among the rest of the kernel: memory that is short, handlers that hang, disks that hang, readers of debugfs."""

import time

import pytest

# In a control group with far less memory than it uses: allocates, and sends to itself over TCP, both again and again.
SWAPPER = r"""
import mmap, os, socket, sys, threading, zlib
size, seconds = 40 << 20, 40
memory = mmap.mmap(-1, size)
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(1)
out = socket.create_connection(listener.getsockname()); inward, _ = listener.accept()
sums, stop = [0, 0], []
def receive():
    while True:
        data = inward.recv(65536)
        if not data: return
        sums[1] = zlib.crc32(data, sums[1])
reader = threading.Thread(target=receive); reader.start()
import time
end, turn, bad, rounds = time.time() + seconds, 0, 0, 0
while time.time() < end:
    for at in range(0, size, 4096):
        if turn and memory[at:at + 8] != b"%08d" % ((at >> 12) + turn - 1): bad += 1
        memory[at:at + 8] = b"%08d" % ((at >> 12) + turn)
        if at % 65536 == 0:
            data = memory[at:at + 4096] * 2
            sums[0] = zlib.crc32(data, sums[0]); out.sendall(data)
            if time.time() > end + 60: break
    turn += 1
out.close(); reader.join()
print("turns %d bad %d sent %s" % (turn, bad, "intact" if sums[0] == sums[1] else "damaged"))
"""


@pytest.mark.mixed
def test_swapping_to_the_device(lab):
    """Who sends over the network reclaims memory in the middle of it, which writes to the device, which sends."""
    r0 = lab.resource(disks=("/dev/vdb",))
    r0.in_sync(primary=lab.n1)
    lab.n1.write("/root/swapper.py", SWAPPER)
    lab.n1.run("mkswap /dev/drbd0 && swapon /dev/drbd0 && mkdir -p /tmp/cg && mount -t cgroup2 none /tmp/cg &&"
               " echo +memory > /tmp/cg/cgroup.subtree_control && mkdir /tmp/cg/small && echo 24M > /tmp/cg/small/memory.max")
    try:
        said = lab.n1.out("(echo $BASHPID > /tmp/cg/small/cgroup.procs; exec python3 /root/swapper.py)", timeout=400)
        swapped = int(lab.n1.out("awk '/^pswpout/ { print $2 }' /proc/vmstat"))
    finally:
        lab.n1.run("swapoff /dev/drbd0; rmdir /tmp/cg/small; umount /tmp/cg", timeout=240)
    assert "bad 0 sent intact" in said
    assert swapped > 1000, said
    r0.wait(cs="Connected")
    r0.assert_mirrored()
    r0.assert_oos(0)


def test_handler_that_hangs_keeps_nothing_from_going_down(lab):
    r0 = lab.resource(extra='  handlers { before-resync-target "touch /tmp/called; sleep 3000"; }\n')
    r0.connected_blank()
    r0.adm(lab.n1, "primary --force")
    lab.n2.wait_for("the handler", lambda: lab.n2.run("test -e /tmp/called", check=False).status == 0)
    begun = time.monotonic()
    r0.adm(lab.n2, "down", timeout=120)
    assert time.monotonic() - begun < 15 + 5 * lab.slow
    assert "going on without it" in lab.n2.log()
    assert r0.status(lab.n2).cs == "absent"
    # Its thread runs code of the module, which stays as long.
    assert lab.n2.run("rmmod drbd", check=False).status != 0
    lab.n2.run("pkill sleep; rm /tmp/called")
    lab.n2.wait_for("the end of its thread", lambda: lab.n2.out("ps ax | grep -c '[d]rbd_h_' || true") == "0")
    lab.n2.unload()
    lab.n2.load()


def test_debugfs_is_read_while_everything_comes_and_goes(lab):
    r0 = lab.resource(disks=("/dev/vde",))
    r0.in_sync(primary=lab.n1)
    seen = lab.n1.out("cd /sys/kernel/debug/drbd/resources/r0; cat in_flight_summary threads; head -n 50 volumes/0/*")
    for word in ("volume 0: 0 application requests", "data socket: ", "slots ", "current 0x"):
        assert word in seen
    reader = "while ! test -e /tmp/enough; do find /sys/kernel/debug/drbd -type f -exec cat {} + > /dev/null 2>&1; done; rm /tmp/enough"
    readers = [node.spawn(reader) for node in lab.nodes]
    for _ in range(4):
        lab.n1.run("dd if=/dev/zero of=/dev/drbd0 bs=64k count=16 oflag=direct status=none")
        r0.adm(lab.n1, "secondary")
        for node in lab.nodes:
            r0.adm(node, "down")
        r0.up()
        r0.wait_synced()
        r0.adm(lab.n1, "primary")
    for node, job in zip(lab.nodes, readers):
        node.run("touch /tmp/enough")
        job.wait(60)
    r0.fill(lab.n1, 1)
    r0.assert_mirrored()


def test_writers_outlive_a_disk_that_hangs_and_is_detached_by_force(lab):
    """What the disk still reads of a writer's memory stays there; the writer goes on with the peer's disk."""
    for node in lab.nodes:
        node.run("modprobe dm_mod 2>/dev/null; echo 0 131072 linear /dev/vdc 0 | dmsetup create hangs; test -b /dev/dm-0")
    r0 = lab.resource(disks=("/dev/dm-0",))
    try:
        r0.in_sync(primary=lab.n1)
        # From now on the activity log needs no write for them.
        r0.fill(lab.n1, 4)
        lab.n1.run("dmsetup suspend --noflush --nolockfs hangs")
        writer = lab.n1.spawn("fio --name=w --filename=/dev/drbd0 --direct=1 --ioengine=libaio --rw=randwrite --bs=16k"
                              " --iodepth=8 --size=4M --mem=mmap --minimal --verify=crc32c --do_verify=1 --verify_fatal=1")
        lab.n1.wait_for("writes under way", lambda: r0.status(lab.n1).lo)
        r0.adm(lab.n1, "detach --force", timeout=120)
        writer.wait(240)
        r0.wait(lab.n1, disk=("Failed", "Diskless"), cs="Connected")
        # Pages that were freed are other people's now; ours were held.
        lab.n1.run("dd if=/dev/zero of=/tmp/others bs=1M count=32 status=none; rm /tmp/others")
        lab.n1.run("dmsetup resume hangs")
        r0.wait(lab.n1, disk="Diskless", cs="Connected")
        r0.adm(lab.n1, "attach")
        r0.wait_synced()
        assert lab.n1.out("cmp -n 4194304 /dev/drbd0 /dev/dm-0 && echo same") == "same"
    finally:
        lab.n1.run("dmsetup resume hangs; true")
        for node in lab.nodes:
            node.run("drbdadm down r0; dmsetup remove hangs", check=False)
