# SPDX-License-Identifier: GPL-2.0
"""Who may do what, and who is not the peer: privileges, secrets, and strangers on the network."""

import time

import load
import pytest

SECRET = "Str4nger-than-f1ction"
NET = {"cram-hmac-alg": "sha1", "shared-secret": "\"%s\"" % SECRET}

# Every command of the family, asked for in a way that would fail for other reasons; prints COMMAND KIND ERROR.
ASKER = r"""
import os, socket, struct, sys
def message(kind, flags, payload): return struct.pack("<IHHII", 16 + len(payload), kind, flags, 7, 0) + payload
def answer(sock):
    data = sock.recv(65536)
    return struct.unpack_from("<H", data, 4)[0], data
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
sock.bind((0, 0)); sock.settimeout(20)
sock.send(message(16, 1, struct.pack("<BBH", 3, 2, 0) + struct.pack("<HH", 9, 2) + b"drbd\0\0\0\0"))
_, data = answer(sock)
at = 20
while at < len(data):
    size, kind = struct.unpack_from("<HH", data, at)
    if kind == 1: family = struct.unpack_from("<H", data, at + 4)[0]
    at += size + 3 & ~3
how = sys.argv[1]
if "drop" in how:
    os.setgroups([]); os.setresuid(65534, 65534, 65534)
def ask(command, flags):
    sock.send(message(family, flags, struct.pack("<BBHII", command, 1, 0, 0, 0)))
    said = b""
    while True:
        kind, data = answer(sock)
        said += data
        if kind == 2: return struct.unpack_from("<i", data, 16)[0], said
        if kind == 3: return 0, said
        if not flags & 0x300: return 0, said
secret = sys.argv[2].encode()
told = 0
for command in range(2, 30):
    if command in (3, 4): continue
    error, said = ask(command, 1)
    told += secret in said
    print(command, "do", error)
for command in (2, 30, 31, 32, 33, 38):
    error, said = ask(command, 0x301)
    told += secret in said
    print(command, "dump", error)
print("secret", told)
"""


def answers(node, how, words):
    said = node.out("%s python3 /root/asker.py %s %s" % (words, how, SECRET), timeout=240).splitlines()
    told = int(said.pop().split()[1])
    return {tuple(line.split()[:2]): int(line.split()[2]) for line in said}, told


@pytest.mark.mixed
def test_who_may_not_administrate_changes_nothing_and_reads_no_secret(lab):
    r0 = lab.resource(net=NET, disks=("/dev/vde",))
    r0.in_sync()
    node = lab.n1
    node.write("/root/asker.py", ASKER)
    node.run("chmod 711 /root")
    nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    before = node.out("drbdsetup show --show-defaults; drbdadm role r0; drbdadm dstate r0; drbdadm cstate r0")
    # By nobody; by root without the capability; through a socket that root opened before it became nobody.
    for how, words, may_know in (("plain", nobody, False), ("drop", "", False),
                                 ("plain", "setpriv --bounding-set -net_admin --inh-caps -net_admin", True)):
        found, told = answers(node, how, words)
        for (command, kind), error in found.items():
            assert error == (-1 if kind == "do" and command != "2" else 0), (words, how, command, kind, error)
        assert bool(told) == may_know, (words, how, told)
    assert before == node.out("drbdsetup show --show-defaults; drbdadm role r0; drbdadm dstate r0; drbdadm cstate r0")
    refused = node.run(nobody + " drbdsetup down r0", check=False)
    assert refused.status == 20
    if node.tools == "ours":
        assert "Operation not permitted" in refused.stderr and "CAP_NET_ADMIN" in refused.stderr
    assert "role:Secondary" in node.out(nobody + " drbdsetup status r0")
    r0.wait(cs="Connected", disk="UpToDate")


@pytest.mark.mixed
def test_the_secret_is_shown_to_the_administrator_who_asks_for_the_configuration_only(lab):
    r0 = lab.resource(net=NET, disks=("/dev/vde",))
    r0.in_sync(primary=lab.n1)
    node = lab.n1
    node.run("echo 1 > /sys/kernel/debug/tracing/events/drbd/enable; true")
    listeners = [node.spawn("exec drbdsetup events2 --statistics"), node.spawn("exec drbdsetup events all")]
    for words in ("status --verbose --statistics", "events2 --now --statistics", "sh-status 0", "role 0", "cstate 0"):
        assert SECRET not in node.out("drbdsetup " + words), words
    r0.adm(lab.n2, "disconnect")
    r0.adm(lab.n2, "connect")
    r0.wait_synced()
    node.run("drbdadm net-options --max-buffers=2000 r0 || drbdadm adjust r0")
    seen = node.out("cat /proc/drbd; find /sys/kernel/debug/drbd /sys/module/drbd /sys/block/drbd0/ -type f -exec cat {} + 2>/dev/null;"
                    "dmesg; cat /proc/*/cmdline | tr '\\0' ' '; cat /sys/kernel/debug/tracing/trace", check=False)
    assert "r0" in seen and SECRET not in seen
    assert SECRET not in lab.n1.log() + lab.n2.log()
    for each in listeners:
        each.kill()
        each.ended.wait(30)
        assert "r0" in each.stdout and SECRET not in each.stdout
    assert SECRET in node.out("drbdsetup show r0") and SECRET in node.out("drbdsetup show --show-defaults r0")
    assert SECRET not in node.out("setpriv --reuid 65534 --regid 65534 --clear-groups drbdsetup show --show-defaults r0")
    node.run("echo 0 > /sys/kernel/debug/tracing/events/drbd/enable; true")


# stranger.py KIND SOURCE TARGET PORT SECONDS: again and again, until the time is over.
STRANGER = r"""
import hashlib, os, socket, struct, sys, time
kind, source, target, port, seconds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
end, turns, spoken, held = time.time() + seconds, 0, 0, []
def h80(command, length=0): return struct.pack(">IHH", 0x83740267, command, length)
def h100(command, length): return struct.pack(">IHHII", 0x8620ec20, 0, command, length, 0)
FEATURES = h80(0xfffe, 72) + struct.pack(">IIII", 86, 15, 101, 0) + bytes(56)
def connect():
    sock = socket.socket(); sock.settimeout(4); sock.bind((source, 0)); sock.connect((target, port)); return sock
def exactly(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more: raise OSError("end")
        data += more
    return data
def slowly(sock, data):
    for byte in data:
        if time.time() > end: return
        sock.sendall(bytes([byte])); time.sleep(1)
def both():
    data = connect(); data.sendall(h80(0xfff2))
    meta = connect(); meta.sendall(h80(0xfff1))
    return data, meta
def once():
    global spoken
    if kind == "flood": connect().close()
    elif kind == "garbage": sock = connect(); sock.sendall(os.urandom(4096)); sock.close()
    elif kind == "oversized":
        sock = connect(); sock.sendall(h80(0xfff2, 0xffff) + struct.pack(">HHI", 0x835a, 0, 0x7fffffff)); sock.close()
    elif kind == "silent":
        held.append(connect())
        if len(held) > 300: held.pop(0).close()
    elif kind == "slow": slowly(connect(), h80(0xfff2))
    else:
        data, meta = both()
        data.settimeout(30)
        exactly(data, 80)
        spoken += 1
        if kind == "half": slowly(data, FEATURES); return
        if kind == "huge": data.sendall(h80(0xfffe, 0xffff) + os.urandom(70000)); exactly(data, 1); return
        data.sendall(FEATURES)
        challenge = exactly(data, 80)[16:]
        if kind == "nosecret": data.sendall(h100(0x0b, 24) + bytes(24)); exactly(data, 1); return
        if kind == "reflect": data.sendall(h100(0x10, 64) + challenge); exactly(data, 1); return
        if kind == "long": data.sendall(h100(0x10, 0x7fffffff) + bytes(4096)); exactly(data, 1); return
        data.sendall(h100(0x10, 64) + os.urandom(64))
        answer = exactly(data, 36)[16:]
        # An answer to a challenge of mine, played again.
        data.sendall(h100(0x11, 20) + (answer if kind == "replay" else os.urandom(20)))
        exactly(data, 1)
while time.time() < end:
    turns += 1
    try: once()
    except OSError: time.sleep(0 if kind == "flood" else 0.05)
print("turns", turns, "spoken", spoken)
"""
ELSEWHERE = "10.77.0.99"
AT_THE_DOOR = ("flood", "garbage", "oversized", "silent", "slow")
INSIDE = ("half", "huge", "nosecret", "reflect", "long", "replay", "wrong")


class Strangers:
    """Several of them at once, on the peer's machine but under another address."""

    def __init__(self, lab, kinds, seconds, number=1, source=ELSEWHERE):
        self.node = lab.n2
        lab.n2.write("/root/stranger.py", STRANGER)
        lab.n2.run("ip addr add %s/24 dev eth0 2>/dev/null; true" % ELSEWHERE)
        target = lab.n1.address.split("/")[0]
        self.jobs = [lab.n2.spawn("python3 /root/stranger.py %s %s %s 7789 %d" % (kind, source, target, seconds))
                     for kind in kinds for _ in range(number)]

    def wait(self):
        """How often they came, how often they were spoken to."""
        said = [job.wait(300).stdout.split() for job in self.jobs]
        return sum(int(words[1]) for words in said), sum(int(words[3]) for words in said)

    @staticmethod
    def leave(lab):
        lab.n2.run("ip addr del %s/24 dev eth0 2>/dev/null; true" % ELSEWHERE)


def footprint(node):
    """Threads of the module, and KiB of memory that the kernel holds for itself."""
    threads = int(node.out("ps ax | grep -c '[d]rbd_' || true"))
    memory = node.out("sync; echo 3 > /proc/sys/vm/drop_caches; awk '/^(SUnreclaim|KernelStack|PageTables|VmallocUsed)/ { n += $2 }"
                      " END { print n }' /proc/meminfo")
    return threads, int(memory)


@pytest.mark.long
@pytest.mark.mixed
def test_strangers_do_not_touch_an_established_connection(lab):
    r0 = lab.resource(net=NET)
    r0.in_sync(primary=lab.n1)
    before = footprint(lab.n1)
    connections = lab.n1.log().count("conn( ")
    busy = load.Load(lab.n1, r0.device(), count=4096, seconds=20)
    busy.wait_acked(50)
    strangers = Strangers(lab, AT_THE_DOOR + INSIDE, 12)
    try:
        came, spoken = strangers.wait()
        busy.finish()
        assert came > 200 and spoken == 0
        r0.wait(cs="Connected", disk="UpToDate", peer_disk="UpToDate")
        assert lab.n1.log().count("conn( ") == connections
        after = footprint(lab.n1)
        assert after[0] <= before[0] and after[1] < before[1] + 4096, (before, after)
    finally:
        strangers.leave(lab)
    r0.assert_mirrored()


@pytest.mark.long
@pytest.mark.parametrize("kinds", [AT_THE_DOOR, INSIDE], ids=["at the door", "inside"])
def test_strangers_do_not_keep_a_node_from_waiting_for_its_peer(lab, kinds):
    """However they fail, the node goes on waiting, says so in few words, and the peer finds it as soon as ever."""
    r0 = lab.resource(net=NET)
    r0.in_sync(primary=lab.n1)
    r0.adm(lab.n2, "disconnect")
    r0.wait(lab.n1, cs="WFConnection")
    before = footprint(lab.n1)
    try:
        for kind in kinds:
            said = len(lab.n1.log())
            came, spoken = Strangers(lab, [kind], 10 if kinds is AT_THE_DOOR else 14, number=2).wait()
            print("%s: came %d times, spoken to %d times, %d characters of log" % (
                kind, came, spoken, len(lab.n1.log()) - said))
            assert came and (kinds is AT_THE_DOOR or spoken), kind
            assert len(lab.n1.log()) - said < 6000, kind
            r0.wait(lab.n1, cs="WFConnection")
        # What they left in the listener's queue is gone through first.
        lab.n1.run("sleep 2")
        begun = time.monotonic()
        r0.adm(lab.n2, "connect")
        r0.wait_synced(timeout=20 * lab.slow)
        print("connected after %.1f s" % (time.monotonic() - begun))
        after = footprint(lab.n1)
        assert after[0] <= before[0] + 8 and after[1] < before[1] + 4096, (before, after)
    finally:
        Strangers.leave(lab)
    r0.fill(lab.n1, 1)
    r0.assert_mirrored()


@pytest.mark.long
def test_the_peer_gets_through_while_strangers_crowd_the_door(lab):
    r0 = lab.resource(net=NET)
    r0.in_sync(primary=lab.n1)
    r0.adm(lab.n2, "disconnect")
    r0.wait(lab.n1, cs="WFConnection")
    strangers = Strangers(lab, AT_THE_DOOR, 60)
    try:
        r0.adm(lab.n2, "connect")
        r0.wait_synced(timeout=50)
        strangers.wait()
        r0.wait(cs="Connected")
    finally:
        strangers.leave(lab)


@pytest.mark.long
def test_the_secret_is_changed_while_hands_are_shaken(lab):
    """Who answers slowly must not meet an algorithm that is freed."""
    r0 = lab.resource(net=NET)
    r0.in_sync()
    r0.adm(lab.n2, "disconnect")
    r0.wait(lab.n1, cs="WFConnection")
    strangers = Strangers(lab, ("wrong", "nosecret"), 12)
    try:
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline:
            for algorithm in ("sha256", "md5", "sha1"):
                lab.n1.run("drbdsetup net-options %s:7789 %s:7789 --cram-hmac-alg=%s --shared-secret=%s" % (
                    lab.n1.address.split("/")[0], lab.n2.address.split("/")[0], algorithm, SECRET))
        strangers.wait()
        r0.wait(lab.n1, cs="WFConnection")
        r0.adm(lab.n2, "connect")
        r0.wait_synced()
    finally:
        strangers.leave(lab)
