# SPDX-License-Identifier: GPL-2.0
"""Listeners to the module's events while resources come and go faster than they read."""

import re

import pytest

MANY = 100
LINE = re.compile(r"(?:\S+T\S+ )?(exists|create|change|destroy) (resource|device|connection|peer-device) (.*)")
KEYS = ("name", "volume", "minor", "conn-name")


class Listener:
    """What a reader of `drbdsetup events2` believes; complains about what can not be."""

    def __init__(self, text):
        self.objects, self.skipped, self.complete = {}, 0, False
        for line in text.splitlines():
            self.take(line)

    def take(self, line):
        if re.fullmatch(r"(\S+T\S+ )?exists -", line):
            assert not self.complete, "a second end of the initial state"
            self.complete = True
        elif "- skipped" in line:
            self.skipped += int(line.split()[-1])
        else:
            found = LINE.fullmatch(line)
            assert found, line
            self.change(found.group(1), found.group(2), found.group(3).split(), line)

    def change(self, action, kind, words, line):
        fields = dict(word.split(":", 1) for word in words)
        key = (kind,) + tuple(fields.pop(name) for name in KEYS if name in fields)
        if kind in ("connection", "peer-device") and key[-1] != "peer":
            # One that is not configured is told of only where it changes (netlink.md 5.3).
            return
        if action in ("exists", "create"):
            assert key not in self.objects, "known before: " + line
            assert (action == "exists") == (not self.complete), line
            self.objects[key] = fields
        elif action == "change":
            assert key in self.objects, "unknown: " + line
            self.objects[key].update(fields)
        else:
            assert key in self.objects, "unknown: " + line
            del self.objects[key]

    def state(self):
        return {key: {name: value for name, value in fields.items() if name in (
            "role", "suspended", "disk", "connection", "replication", "peer-disk", "resync-suspended")}
            for key, fields in self.objects.items()}


# churn.py up|down FIRST LAST: without a process for each command, so nobody else is faster. To local addresses of a
# network that is nobody's: a connection waits there for its peer for ever.
CHURN = r"""
import socket, struct, sys, time
def message(kind, flags, payload): return struct.pack("<IHHII", 16 + len(payload), kind, flags, 7, 0) + payload
def attr(kind, data): return struct.pack("<HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
sock.bind((0, 0)); sock.settimeout(60)
sock.send(message(16, 1, struct.pack("<BBH", 3, 2, 0) + attr(2, b"drbd\0")))
data = sock.recv(65536); at = 20
while at < len(data):
    size, kind = struct.unpack_from("<HH", data, at)
    if kind == 1: family = struct.unpack_from("<H", data, at + 4)[0]
    at += size + 3 & ~3
def ask(command, minor, *context):
    sock.send(message(family, 1, struct.pack("<BBHII", command, 1, 0, minor, 0) + attr(0x8002, b"".join(context))))
    data = sock.recv(65536)
    code = struct.unpack_from("<i", data, 24)[0]
    assert struct.unpack_from("<H", data, 4)[0] == family and code in (1, 101), (command, minor, code)
def address(host, port): return struct.pack("<H", 2) + struct.pack(">H", port) + bytes((127, 0, 0, host)) + bytes(8)
begun = time.time()
for number in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
    name = attr(2, b"m%d\0" % number)
    if sys.argv[1] == "up":
        ask(7, 0xffffffff, name)
        ask(5, number + 100, attr(1, struct.pack("<I", 0)), name)
        ask(10, 0xffffffff, name, attr(3, address(1, number + 9000)), attr(4, address(2, number + 9000)))
    else:
        ask(27, 0xffffffff, name)
print("%.2f" % (time.time() - begun))
"""


def churn(node, what, first, last):
    node.write("/root/churn.py", CHURN)
    took = float(node.out("python3 /root/churn.py %s %d %d" % (what, first, last), timeout=300))
    print("resources %d to %d %s in %.1f s" % (first, last, what, took))
    return took


def whole(job):
    """Its lines, without one that has only half come."""
    return job.stdout[:job.stdout.rfind("\n") + 1]


def end(node, job):
    node.run("sleep 1")
    job.kill()
    job.ended.wait(30)
    return whole(job)


@pytest.mark.long
def test_listeners_that_overflow_end_with_the_right_state(lab):
    """
    Three readers of few KiB each, one of which stands still meanwhile; nobody waits for them. What they print is in a
    legal order, and the sum of it is what there is.
    """
    node = lab.n1
    was = node.out("sysctl -n net.core.rmem_max")
    node.run("sysctl -qw net.core.rmem_max=2304")
    try:
        drbdsetup = "exec drbdsetup events2 --timestamps"
        listeners = [node.spawn(drbdsetup), node.spawn(drbdsetup + " --statistics"), node.spawn(drbdsetup)]
        legacy = node.spawn("exec drbdsetup events all")
        node.wait_for("the listeners", lambda: all("exists -" in each.stdout for each in listeners))
        still = node.out("pgrep -nf '[d]rbdsetup events2 --timestamps$'")
        node.run("kill -STOP " + still)
        for _ in range(2):
            churn(node, "up", 1, MANY)
            churn(node, "down", 1, MANY)
        churn(node, "up", 1, MANY)
        churn(node, "down", 1, MANY // 2)
        node.run("kill -CONT " + still)
        node.wait_for("the connections that search", lambda: node.out(
            "drbdsetup events2 --now | grep -c 'connection:Connecting' || true") == str(MANY // 2))
        now = Listener(node.out("timeout 60 drbdsetup events2 --now", timeout=90))
        assert len(now.objects) == 4 * MANY // 2
        for each in listeners:
            node.wait_for("a listener's right idea", lambda each=each: Listener(whole(each)).state() == now.state())
        heard = [Listener(end(node, each)) for each in listeners]
        assert all(each.state() == now.state() for each in heard)
        assert sum(each.skipped for each in heard), "no listener overflowed: nothing was tried"
        last = {}
        for line in end(node, legacy).splitlines():
            if " ST " in line:
                last[line.split()[2]] = line
        for number in range(MANY // 2 + 1, MANY + 1):
            assert "cs:WFConnection" in last["%d,m%d[0]" % (number + 100, number)]
    finally:
        node.run("sysctl -qw net.core.rmem_max=%s; pkill -CONT drbdsetup" % was, check=False)
        churn(node, "down", MANY // 2 + 1, MANY)
    assert node.out("drbdsetup events2 --now") == "exists -"


STATISTICS = {
    "resource": "write-ordering",
    "device": "size read written al-writes bm-writes upper-pending lower-pending al-suspended blocked",
    "connection": "congested",
    "peer-device": "received sent out-of-sync pending unacked",
}


@pytest.mark.mixed
def test_statistics_of_events(lab):
    r0 = lab.resource(disks=("/dev/vde",))
    r0.in_sync(primary=lab.n1)
    r0.fill(lab.n1, 1)
    r0.settle()
    lines = lab.n1.out("drbdsetup events2 --now --statistics r0").splitlines()
    assert lines.pop() == "exists -" and len(lines) == 4
    for line in lines:
        _, kind, rest = line.split(" ", 2)
        fields = dict(word.split(":", 1) for word in rest.split())
        assert set(STATISTICS[kind].split()) <= set(fields), line
        if kind == "device":
            assert (int(fields["size"]), int(fields["written"])) == (r0.size(lab.n1) // 1024, 1024)
        if kind == "peer-device":
            assert (int(fields["sent"]), int(fields["out-of-sync"])) == (1024, 0)


@pytest.mark.long
def test_a_waiting_command_whose_news_were_lost_ends(lab):
    """It stands still while more happens than its buffer holds, what it waits for among that."""
    r0 = lab.resource(disks=("/dev/vde",))
    r0.connected_blank()
    was = lab.n1.out("sysctl -n net.core.rmem_max")
    r0.adm(lab.n2, "disconnect")
    lab.n1.run("sysctl -qw net.core.rmem_max=2304")
    try:
        waiting = lab.n1.spawn("exec drbdsetup wait-connect %d" % r0.first_minor)
        lab.n1.run("sleep 2; pkill -STOP -x drbdsetup")
        churn(lab.n1, "up", 1, 10)
        r0.adm(lab.n2, "connect")
        r0.wait(cs="Connected")
        churn(lab.n1, "down", 1, 10)
        lab.n1.run("pkill -CONT -x drbdsetup")
        waiting.wait(60)
    finally:
        lab.n1.run("sysctl -qw net.core.rmem_max=%s; pkill -CONT -x drbdsetup" % was, check=False)
