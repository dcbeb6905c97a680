# SPDX-License-Identifier: GPL-2.0
"""drbdsetup against recorded datagrams of the genuine module and tools."""
import fcntl
import json
import os
import pathlib
import re

import pytest

import genl
from drbdsetup_replay import (RUNTIME, VECTORS, Multicast, Run, build, runtime_commands, vector, vectors,
                              without_identity)


@pytest.fixture(scope="module", autouse=True)
def program():
    build()


# ---- requests, byte for byte as the genuine tool sends them

MY, PEER = "ipv4:10.77.0.1:7789", "ipv4:10.77.0.2:7789"
REPLY = genl.message(0, genl.NONE)


def reply_about(minor):
    return genl.message(0, minor)


@pytest.mark.parametrize("words, name, reply", [
    ("new-resource r0", "new_resource", REPLY),
    ("new-minor r0 1 0", "new_minor", reply_about(1)),
    ("attach 1 /dev/vdb /dev/vdb internal --resync-rate=4M --c-plan-ahead=0", "attach", reply_about(1)),
    ("attach /dev/drbd1 --resync-rate 4096 /dev/vdb /dev/vdb internal --c-plan-ahead 0", "attach",
     reply_about(1)),
    (f"connect r0 {MY} {PEER} --protocol=c --verify-alg=sha1 --shared-secret=s3cret --cram-hmac-alg=sha1 "
     "--allow-two-primaries", "connect", REPLY),
    ("primary 1 --force", "primary_force", reply_about(1)),
    ("primary 1 --overwrite-data-of-peer=yes", "primary_force", reply_about(1)),
    ("pause-sync 1", "pause_sync", reply_about(1)),
    ("verify 1", "verify", reply_about(1)),
    (f"disconnect {MY} {PEER}", "disconnect", REPLY),
    (f"disconnect {MY} {PEER} --force=no", "disconnect", REPLY),
])
def test_request_is_what_the_genuine_tool_sends(words, name, reply):
    run = Run(words.split(), ["send", reply])
    assert run.status == 0, run.err
    assert without_identity(run.request()) == without_identity(vector(f"tool_{name}.req.bin"))


def test_family_is_asked_for_like_the_genuine_tool_does():
    run = Run(["role", "1"], ["send", VECTORS / "sync_get_status.rep.bin"])
    assert without_identity(run.sent[0]) == without_identity(vector("tool_getfamily.req.bin"))
    assert without_identity(run.request()) == without_identity(vector("tool_get_status.req.bin"))
    assert run.request()[4:6] == vector("tool_get_status.req.bin")[4:6]


def test_down_asks_for_the_minors_first():
    run = Run(["down", "r0"], ["send", genl.done(), "send", REPLY])
    assert run.status == 0
    assert without_identity(run.request(0)) == without_identity(vector("tool_show_dump.req.bin"))
    assert without_identity(run.request(1)) == without_identity(vector("tool_down.req.bin"))


def test_status_asks_for_all_resources_then_per_resource():
    run = Run(["status", "r0"], status_steps())
    for number, name in enumerate(["resources", "devices", "connections", "peer_devices"]):
        assert without_identity(run.request(number)) == without_identity(
            vector(f"tool_get_{name}.req.bin"))


def test_events2_and_wait_connect_requests():
    run = Run(["events2", "--now"], ["send", *vectors("initial_state_empty.rep*.bin")])
    assert without_identity(run.request()) == without_identity(vector("tool_events2.req.bin"))
    run = Run(["wait-connect", "1"], ["send", genl.message(26, 1, genl.attr(0x800B, genl.u32(1, 0))),
                                      "send", VECTORS / "sync_get_status.rep.bin"])
    assert run.status == 0
    assert without_identity(run.request()) == without_identity(vector("tool_timeout_type.req.bin"))


def test_every_option_reaches_the_kernel_with_its_number_and_unit():
    run = Run(["disk-options", "1", "--set-defaults", "--on-io-error=pass_on", "--fencing=resource-only",
               "--resync-after=-1", "--c-fill-target=1M", "--disk-timeout=300", "--md-flushes=no",
               "--al-updates=no", "--read-balancing=1M-striping"], ["send", reply_about(1)])
    assert run.status == 0, run.err
    m = genl.M
    inner = (genl.u32(6 | m, 0) + genl.u32(7 | m, 1) + genl.u32(9 | m, -1) + genl.u32(13 | m, 2048) +
             genl.u32(20 | m, 300) + genl.u8(19 | m, 0) + genl.u8(23, 0) + genl.u32(21, 10))
    expected = genl.message(28, 1, genl.attr(3 | genl.NESTED, inner), ret_code=1, flags=1)
    assert without_identity(run.request()) == without_identity(expected)


def test_resize_and_verify_units():
    run = Run(["resize", "1", "--size=1G", "--assume-clean", "--al-stripes=4",
               "--al-stripe-size-kB=1M"], ["send", reply_about(1)])
    m = genl.M
    inner = genl.u64(1 | m, 2097152) + genl.u8(3 | m, 1) + genl.u32(4, 4) + genl.u32(5, 1024)
    assert without_identity(run.request()) == without_identity(
        genl.message(13, 1, genl.attr(7 | genl.NESTED, inner), ret_code=0, flags=1))
    run = Run(["verify", "1", "--start=0", "--stop=1k"], ["send", reply_about(1)])
    inner = genl.u64(1 | m, 0) + genl.u64(2 | m, 2)
    assert without_identity(run.request()) == without_identity(
        genl.message(17, 1, genl.attr(9 | genl.NESTED, inner), ret_code=0, flags=1))


def test_ipv6_addresses_are_encoded_with_zero_padding():
    run = Run(["disconnect", "ipv6:[fd00::1]:7789", "ipv6:[fd00::2]"], ["send", REPLY])
    assert run.status == 0, run.err
    mine = bytes.fromhex("0a001e6d00000000fd00000000000000000000000000000100000000")
    peer = bytes.fromhex("0a001e6c00000000fd00000000000000000000000000000200000000")
    assert mine in run.request() and peer in run.request()


@pytest.mark.parametrize("words", [
    "frobnicate 1", "primary", "primary 1 2", "primary x", "attach 1 /dev/vdb /dev/vdb inside",
    "disk-options 1 --size=100", "disk-options 1 --fencing=maybe", "disk-options 1 --resync-rate=10x",
    "disk-options 1 --resync-rate=99999999999999999999", "disk-options 1 --md-flushes=perhaps",
    "net-options 1.2.3.4 1.2.3.5 --tentative", "connect r0 1.2.3.4:0 1.2.3.5", "status --color=pink",
    "wait-connect 1 --wfc-timeout=300001", "show --no-such-option", "help", "help nonsense",
])
def test_wrong_usage_is_20_and_sends_nothing(words):
    run = Run(words.split(), [], getfamily=True)
    assert run.status == 20
    assert len(run.sent) == 0


def test_old_word_order_is_understood():
    run = Run(["1", "role"], ["send", VECTORS / "sync_get_status.rep.bin"])
    assert (run.status, run.out) == (0, "Primary/Secondary\n")


def test_help_names_the_options_of_a_command():
    run = Run(["help", "connect"], getfamily=False)
    assert run.status == 0
    assert "--after-sb-0pri={ disconnect | discard-younger-primary" in run.out
    assert "--dry-run" not in run.out and "--tentative" in run.out
    run = Run(["xml-help", "attach"], getfamily=False)
    assert run.status == 0 and '<option name="c-max-rate" type="numeric">' in run.out


# ---- answers

def test_configuration_error_is_10_with_the_kernels_text():
    run = Run(["role", "77"], ["send", VECTORS / "err_unknown_minor.rep.bin"])
    assert run.status == 10
    assert run.err == ("77: Failure: (127) Device minor not allocated\n"
                       "additional info from kernel:\nunknown minor\n")


@pytest.mark.parametrize("code, status", [
    (1, 0), (2, 0), (4, 0), (101, 0), (0, 11), (-1, 11), (-2, 17), (-4, 16), (-16, 5), (-21, 11),
    (-22, 20), (100, 20), (104, 10), (170, 10), (171, 20),
])
def test_return_codes_become_exit_statuses(code, status):
    run = Run(["primary", "1"], ["send", genl.message(14, 1, ret_code=code)])
    assert run.status == status
    assert (run.err == "") == (status == 0)


def test_state_refusal_text():
    run = Run(["primary", "0"], ["send", VECTORS / "err_state_change.rep.bin"])
    assert run.status == 17
    assert run.err == "0: State change failed: (-2) Need access to UpToDate data\n"


def test_netlink_error_is_20():
    run = Run(["new-resource", "r0"], ["send", VECTORS / "err_nlmsg_eopnotsupp.rep.bin"])
    assert run.status == 20
    assert run.err == "received netlink error reply: Operation not supported\n"


def test_connection_commands_have_no_object():
    run = Run(["net-options", "1.2.3.4", "1.2.3.5"], ["send", genl.message(29, genl.NONE, ret_code=162)])
    assert run.err == "??: Failure: (162) Invalid configuration request\n"


def test_show_of_an_unknown_resource_is_20_without_output():
    run = Run(["show", "nope"], ["send", VECTORS / "get_status_dump_unknown.rep.bin"])
    assert (run.status, run.out) == (20, "")
    assert run.err == "received netlink error reply: No such device\n"


def test_down_of_an_unknown_resource_succeeds():
    run = Run(["down", "nope"], ["send", VECTORS / "get_status_dump_unknown.rep.bin",
                                 "send", VECTORS / "err_unknown_resource.rep.bin"])
    assert (run.status, run.out, run.err) == (0, "", "")


def test_status_of_an_unknown_resource_is_10():
    run = Run(["status", "nope"], ["send", genl.done()])
    assert (run.status, run.out, run.err) == (10, "", "nope: No such resource\n")


def test_the_endless_answer_about_a_vanished_resource_ends():
    run = Run(["status"], ["send", *vectors("sync_get_resources.rep*.bin"),
                           "send", *[VECTORS / "get_devices_unknown.rep0.bin"],
                           "send", genl.done(), "send", genl.done()])
    assert run.status == 0
    assert run.out == "r0 role:Primary\n\n"


def test_silence_is_20():
    run = Run(["role", "1"], ["send", "timeout"])
    assert run.status == 20 and "No answer" in run.err


def test_another_interface_version_is_refused():
    reply = bytearray(vector("ctrl_getfamily.rep.bin"))
    at = reply.find(bytes.fromhex("0800030001000000"))
    reply[at + 4] = 2
    run = Run(["role", "1"], ["send", bytes(reply)], getfamily=False)
    assert run.status == 20 and "API mismatch!" in run.err


def test_without_module_only_taking_down_succeeds():
    gone = {"REPLAY_NO_MODULE": "1"}
    for words in (["down", "r0"], ["secondary", "1"], ["detach", "1"], ["disconnect", MY, PEER]):
        assert Run(words, getfamily=False, environment=gone).status == 0
    assert Run(["primary", "1"], getfamily=False, environment=gone).status == 20


def test_unknown_mandatory_field_in_an_answer_is_not_ignored():
    context = genl.attr(2, genl.text(2 | genl.M, "r0") + genl.u32(50 | genl.M, 1))
    run = Run(["role", "1"], ["send", genl.message(2, 1, context)])
    assert run.status == 20


def test_unknown_optional_field_in_an_answer_is_ignored():
    word = genl.state_word("Primary", "Unknown", "WFConnection", "UpToDate", "DUnknown")
    info = genl.attr(8, genl.u32(2, word) + genl.u32(50, 1))
    run = Run(["role", "1"], ["send", genl.message(2, 1, genl.context("r0", 0), info)])
    assert (run.status, run.out) == (0, "Primary/Unknown\n")


def test_a_minor_that_another_tool_works_on_is_left_alone():
    path = pathlib.Path("/var/lock/drbd-147-987654")
    try:
        lock = path.open("w")
    except OSError:
        pytest.skip("needs to write to /var/lock")
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        run = Run(["primary", "987654"], ["send", reply_about(987654)])
        assert run.status == 20 and len(run.sent) == 0
        assert f"process {os.getpid()}" in run.err
        fcntl.lockf(lock, fcntl.LOCK_UN)
        assert Run(["primary", "987654"], ["send", reply_about(987654)]).status == 0
    finally:
        lock.close()
        path.unlink()


# ---- whole states, byte for byte as the genuine tool prints them

MINE_RAW, PEER_RAW = genl.ipv4("10.77.0.1", 7789), genl.ipv4("10.77.0.2", 7789)
SECRET = 's"x\\y z'
MOVING = {"05-sync-source", "06-sync-target", "12-verify"}
NODE2 = {"06-sync-target", "08-paused-sync-peer", "10-uptodate-secondary", "16-diskless"}


def keys(line):
    return dict(word.split(":", 1) for word in line.split() if ":" in word)


class State:
    """What the kernel knows in a runtime vector, read back from sh-status, events2 and show."""

    def __init__(self, name):
        self.commands = runtime_commands(name)
        printed = {" ".join(words): out for words, out, _, _ in self.commands}
        self.shown = printed["show r0"]
        self.gi = printed["get-gi 1"]
        lines = [keys(line) | {"kind": line.split()[1]} for line in
                 printed["events2 --now --statistics r0"].splitlines()[:-1]]
        self.resource = next(line for line in lines if line["kind"] == "resource")
        self.connection = next(line for line in lines if line["kind"] == "connection")
        self.devices = [line for line in lines if line["kind"] == "device"]
        self.peers = [line for line in lines if line["kind"] == "peer-device"]
        self.words = []
        for block in printed["sh-status r0"].split("_sh_status_process")[:-1]:
            self.words.append(dict(re.findall(r"_(\w+)=(.*)", block)))
        self.has_net = "    net {" in self.shown

    def context(self, volume=None, addresses=True):
        if addresses and self.has_net:
            mine = re.search(r"_this_host \{\n\s+address\s+ipv4 ([\d.]+)", self.shown)[1]
            peer = re.search(r"_remote_host \{\n\s+address\s+ipv4 ([\d.]+)", self.shown)[1]
            return genl.context("r0", volume, genl.ipv4(mine, 7789), genl.ipv4(peer, 7789))
        return genl.context("r0", volume)

    def net(self):
        return genl.net_conf({1: SECRET, 2: "sha1", 4: "crc32c"}) if self.has_net else b""

    def disk(self, volume):
        section = self.shown.split(f"volume {volume} {{")[1].split("        }\n        }")[0]
        path = re.search(r'disk\t\t\t"(.*)";', section)
        if not path:
            return b""
        number = {"resync-rate": 8, "c-plan-ahead": 11, "c-min-rate": 15}
        changed = {number[key]: int(value) for key, value in
                   re.findall(r"(resync-rate|c-plan-ahead|c-min-rate)\s+(\d+)", section)}
        return genl.disk_conf(path[1], changed)

    def status_record(self, index):
        words = self.words[index]
        if words["volume"] == "-1":
            return genl.message(2, genl.NONE, self.context(), self.net())
        volume = int(words["volume"])
        if words["known"] == "Unconfigured":
            info = genl.state_info(genl.state_word("Secondary", "Unknown", "StandAlone", "Diskless", "DUnknown"))
        else:
            info = genl.state_info(self.word(words), *self.disk_part(index))
        return genl.message(2, int(words["minor"]), self.context(volume), genl.resource_opts(),
                            self.disk(volume), self.net(), info)

    @staticmethod
    def word(words):
        flags = [int(words[f"flags_{flag}"] or 0) for flag in ("susp", "aftr_isp", "peer_isp", "user_isp")]
        return genl.state_word(words["role"], words["peer"], words["cstate"], words["disk"],
                               words["pdsk"], *flags)

    def disk_part(self, index):
        if not self.gi:
            return ()
        *uuids, a, b, c, d, e, f, g = self.gi.strip().split(":")
        bits = [1, 16, 2, 4, 8, 32, 64]
        flags = sum(bit for bit, given in zip(bits, (a, b, c, d, e, f, g)) if given == "1")
        total = int(self.devices[index]["size"]) // 4
        oos = int(self.peers[index]["out-of-sync"]) // 4
        syncing = 16 <= genl.CONNS.index(self.words[index]["cstate"]) <= 21
        return [int(uuid, 16) for uuid in uuids], flags, (total, oos, total, 0) if syncing else None

    def resource_info(self):
        word = self.resource["suspended"]
        return (genl.attr(0x800F, genl.u32(1, genl.ROLES.index(self.resource["role"])) +
                          b"".join(genl.u8(kind, reason in word.split(","))
                                   for kind, reason in ((2, "user"), (3, "no-data"), (4, "fencing")))),
                genl.attr(0x8013, genl.u32(1, 2)))

    @staticmethod
    def device_info(line):
        statistics = b"".join(genl.u64(kind, 2 * int(line[key])) for kind, key in
                              ((1, "size"), (2, "read"), (3, "written")))
        statistics += genl.u64(4, int(line["al-writes"])) + genl.u64(5, int(line["bm-writes"]))
        statistics += genl.u32(6, int(line["upper-pending"])) + genl.u32(7, int(line["lower-pending"]))
        statistics += genl.u8(8, "upper" in line["blocked"]) + genl.u8(9, "lower" in line["blocked"])
        statistics += genl.u8(10, line["al-suspended"] == "yes")
        statistics += genl.u64(11, 0) + genl.u64(12, 0) + genl.u32(13, 0) + genl.attr(14, b"")
        return (genl.attr(0x8010, genl.u32(1, genl.DISKS.index(line["disk"]))),
                genl.attr(0x8014, statistics))

    def connection_info(self):
        state = {"Connecting": 8, "Connected": 9}.get(self.connection["connection"])
        if state is None:
            state = genl.CONNS.index(self.connection["connection"])
        return (genl.attr(0x8011, genl.u32(1, state) +
                          genl.u32(2, genl.ROLES.index(self.connection["role"]))),
                genl.attr(0x8015, genl.u8(1, self.connection["congested"] == "yes")))

    @staticmethod
    def peer_info(line):
        repl = {"Off": 9, "Established": 10}.get(line["replication"])
        if repl is None:
            repl = genl.CONNS.index(line["replication"])
        suspended = line["resync-suspended"].split(",")
        info = genl.u32(1, repl) + genl.u32(2, genl.DISKS.index(line["peer-disk"]))
        info += b"".join(genl.u32(kind, reason in suspended) for kind, reason in
                         ((3, "user"), (4, "peer"), (5, "dependency")))
        statistics = genl.u64(1, 2 * int(line["received"])) + genl.u64(2, 2 * int(line["sent"]))
        statistics += genl.u32(3, int(line["pending"])) + genl.u32(4, int(line["unacked"]))
        statistics += genl.u64(5, 2 * int(line["out-of-sync"])) + genl.u64(6, 0) + genl.u64(7, 0)
        return genl.attr(0x8012, info), genl.attr(0x8016, statistics + genl.u32(9, 0))

    def objects(self, header):
        """(command of the dump, command of the notification, datagram) of every object."""
        def one(notification, minor, *parts):
            command = notification if header else notification - 4
            note = (genl.attr(0x8017, genl.u32(1, 0)),) if header else ()
            return genl.message(command, minor, parts[0], *note, *parts[1:])

        found = [one(34, genl.NONE, self.context(addresses=False), *self.resource_info())]
        if header or self.has_net:
            found.append(one(36, genl.NONE, self.context(), *self.connection_info()))
        for line in self.devices:
            found.append(one(35, int(line["minor"]), self.context(int(line["volume"]), False),
                             *self.device_info(line)))
        if header or self.has_net:
            for line in self.peers:
                found.append(one(37, genl.NONE, self.context(int(line["volume"])), *self.peer_info(line)))
        return found

    def steps(self, words):
        if words[0] == "events2":
            return ["send", *self.objects(True), genl.message(41, genl.NONE, genl.attr(0x8017, genl.u32(1, 0)))]
        if words[0] == "status":
            found = self.objects(False)
            steps = []
            for command in (30, 31, 32, 33):
                steps += ["send", *[record for record in found if record[16] == command], genl.done()]
            return steps
        if words[0] in ("show", "sh-status"):
            return ["send", *[self.status_record(i) for i in range(len(self.words))], genl.done()]
        if self.words[0]["volume"] == "-1":
            return ["send", genl.message(2, 1, genl.attr(1, genl.text(1 | genl.M, "unknown minor")), ret_code=127)]
        return ["send", self.status_record(0)]


def status_steps():
    steps = []
    for name in ("resources", "devices", "connections", "peer_devices_filtered"):
        steps += ["send", *vectors(f"sync_get_{name}.rep*.bin")]
    return steps


def runtime_cases():
    for path in sorted(RUNTIME.glob("*.txt")):
        for words, *_ in runtime_commands(path.stem):
            yield pytest.param(path.stem, words, id=f"{path.stem}: {' '.join(words)}")


@pytest.mark.parametrize("name, words", runtime_cases())
def test_output_is_what_the_genuine_tool_prints(name, words):
    state = State(name)
    _, out, err, status = next(command for command in state.commands if command[0] == words)
    run = Run(words, state.steps(words))
    mine = run.out
    if name in MOVING and words[0] == "status":
        # The genuine numbers moved on between the commands of one vector.
        mine, out = (re.sub(r":[\d.]+", ":N", text) for text in (mine, out))
    assert mine == out
    assert run.err == err
    assert run.status == status


# ---- multicasts

def test_events2_prints_only_what_changed_and_what_was_lost():
    run = Run(["events2"], ["send", *vectors("initial_state_empty.rep*.bin"), *vectors("mc_*.bin")])
    assert run.status == 0
    lines = run.out.splitlines()
    assert lines[:6] == [
        "exists -",
        "create resource name:r0 role:Secondary suspended:no",
        "create device name:r0 volume:0 minor:1 disk:Diskless",
        "change device name:r0 volume:0 minor:1 disk:Attaching",
        "change device name:r0 volume:0 minor:1 disk:Inconsistent",
        "create connection name:r0 peer-node-id:0 conn-name:peer connection:StandAlone role:Unknown",
    ]
    assert "change resource name:r0 role:Primary" in lines
    assert "- skipped 3" in lines
    assert lines[-1] == ("response helper name:r0 peer-node-id:0 conn-name:peer helper:fence-peer "
                         "status:1024")


def notification(seq, kind, disk=None):
    info = [genl.attr(0x8010, genl.u32(1, genl.DISKS.index(disk)))] if disk else []
    return Multicast(genl.message(35, 1, genl.context("r0", 0), genl.attr(0x8017, genl.u32(1, kind)), *info),
                     seq)


def test_events2_destroy_has_no_fields_and_forgets_the_object():
    run = Run(["events2"], ["send", *vectors("initial_state_empty.rep*.bin"), notification(3, 1, "Diskless"),
                            notification(4, 3), notification(5, 2, "Diskless"), notification(6, 2, "Diskless")])
    assert run.out.splitlines()[1:] == [
        "create device name:r0 volume:0 minor:1 disk:Diskless",
        "destroy device name:r0 volume:0 minor:1",
        "change device name:r0 volume:0 minor:1 disk:Diskless",
        "change device name:r0 volume:0 minor:1",
    ]


def device_record(disk, kind=0, minor=1, seq=None):
    message = genl.message(35, minor, genl.context("r0", minor - 1), genl.attr(0x8017, genl.u32(1, kind)),
                           *([genl.attr(0x8010, genl.u32(1, genl.DISKS.index(disk)))] if disk else []))
    return message if seq is None else Multicast(message, seq)


EMPTY = vectors("initial_state_empty.rep*.bin")


def test_events2_asks_anew_after_lost_multicasts_and_tells_what_is_different():
    run = Run(["events2"], ["send", device_record("Inconsistent", minor=2), *EMPTY, notification(3, 1, "Diskless"), "lost",
                            notification(4, 2, "Attaching"), device_record(None, 3, minor=9, seq=5), "timeout", "send", device_record("UpToDate"), device_record("Diskless", minor=3), *EMPTY,
                            notification(9, 2, "Failed")])
    assert run.out.splitlines()[3:] == [
        "change device name:r0 volume:0 minor:1 disk:Attaching",
        "change device name:r0 volume:0 minor:1 disk:UpToDate",
        "create device name:r0 volume:2 minor:3 disk:Diskless",
        "destroy device name:r0 volume:1 minor:2",
        "- skipped 3", "change device name:r0 volume:0 minor:1 disk:Failed"]


def test_events2_puts_what_comes_during_a_dump_behind_it():
    """The dump's records were made before it began: printed in the order of arrival they would have the last word."""
    run = Run(["events2"], ["send", device_record("UpToDate", 2, seq=3), device_record(None, 3, minor=2, seq=4),
                            device_record("Diskless", 1, minor=1, seq=5), device_record("Diskless"), *EMPTY])
    assert run.out.splitlines() == [
        "exists device name:r0 volume:0 minor:1 disk:Diskless", "exists -",
        "change device name:r0 volume:0 minor:1 disk:UpToDate", "change device name:r0 volume:0 minor:1 disk:Diskless"]


def test_events2_that_lost_multicasts_during_a_dump_asks_once_more_when_it_is_over():
    run = Run(["events2"], ["send", "lost", device_record("Diskless"), *EMPTY, "timeout", "send", device_record("UpToDate"), *EMPTY])
    assert run.out.splitlines() == ["exists device name:r0 volume:0 minor:1 disk:Diskless", "exists -",
                                    "change device name:r0 volume:0 minor:1 disk:UpToDate"]
    assert Run(["events2", "--now"], ["send", "lost", *EMPTY]).out == "exists -\n"


def test_old_events_tell_the_state_anew_after_lost_multicasts():
    run = Run(["events"], ["send", *vectors("sync_get_status_dump.rep*.bin"), "lost", "timeout", "send",
                           *vectors("sync_get_status_dump.rep*.bin")])
    lines = [line.split(" ", 1)[1] for line in run.out.splitlines()]
    assert lines[:len(lines) // 2] == lines[len(lines) // 2:]


def test_events2_of_one_resource_leaves_out_others():
    run = Run(["events2", "--now", "other"], ["send", *vectors("sync_initial_state.rep*.bin")])
    assert (run.status, run.out) == (0, "exists -\n")


def test_events2_timestamps_are_shared_by_one_change():
    run = Run(["events2", "--now", "--timestamps"], ["send", *vectors("sync_initial_state.rep*.bin")])
    stamps = [line.split()[0] for line in run.out.splitlines()]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d", stamps[0])
    assert len(set(stamps[:6])) == 1


def test_old_events_format():
    run = Run(["events"], ["send", *vectors("sync_get_status_dump.rep*.bin"), *vectors("mc_*cmd1.bin")])
    lines = [line.split(" ", 1)[1] for line in run.out.splitlines()]
    assert lines[0] == "ST 1,r0[0] { cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent r--- }"
    assert "20 ST-new 1,r0[0] { cs:StandAlone ro:Secondary/Unknown ds:Attaching/DUnknown r--- }" in run.out
    assert "UH 1,r0[0] before-resync-source" in lines
    assert "UH-post 1,r0[0] before-resync-source 0x0000" in lines
    assert any(re.fullmatch(r"SP 1,r0\[0\] \d+\.\d", line) for line in lines)


def timeout_type(kind):
    return genl.message(26, 1, genl.attr(0x800B, genl.u32(1, kind)))


def event(conn, reason=2):
    word = genl.state_word("Secondary", "Unknown", conn, "UpToDate", "DUnknown")
    return genl.message(1, 1, genl.context("r0", 0), genl.state_info(word, reason=reason))


@pytest.mark.parametrize("words, events, status", [
    ("wait-connect 1", ["WFConnection", "Connected"], 0),
    ("wait-connect 1", ["WFConnection", "SyncTarget"], 0),
    ("wait-connect 1", ["StandAlone"], 0),
    ("wait-connect 1 --wait-after-sb --wfc-timeout=5", ["StandAlone", None], 5),
    ("wait-connect 1 --wait-after-sb", ["StandAlone", "Connected"], 0),
    ("wait-sync 1 --wfc-timeout=5", ["SyncTarget", None], 5),
    ("wait-sync 1", ["SyncTarget", "Connected"], 0),
])
def test_waiting_ends_at_the_right_state(words, events, status):
    steps = ["send", timeout_type(0), "send"]
    steps += ["timeout" if conn is None else event(conn) for conn in events]
    assert Run(words.split(), steps).status == status


def test_waiting_asks_again_when_the_news_may_have_been_lost():
    run = Run(["wait-connect", "1"], ["send", timeout_type(0), "send", event("WFConnection"), "lost", "timeout", "send",
                                      event("Connected", reason=1)])
    assert run.status == 0


# ---- JSON and colours

def test_status_json_has_the_version_9_keys():
    run = Run(["status", "--json"], status_steps())
    (resource,) = json.loads(run.out)
    assert resource["name"] == "r0" and resource["role"] == "Primary"
    assert [device["minor"] for device in resource["devices"]] == [1, 3]
    (connection,) = resource["connections"]
    assert connection["connection-state"] == "Connected"
    peer = connection["peer_devices"][0]
    assert peer["replication-state"] == "SyncSource" and peer["out-of-sync"] == 111256
    assert peer["percent-in-sync"] == pytest.approx(15.09)


def test_status_json_of_nothing_is_an_empty_array():
    assert json.loads(Run(["status", "--json"], ["send", genl.done()]).out) == []


def test_show_json_is_the_configuration():
    run = Run(["show", "--json"], ["send", *vectors("sync_get_status_dump.rep*.bin")])
    (resource,) = json.loads(run.out)
    assert resource["connections"][0]["net"]["allow-two-primaries"] is True
    volume = resource["_this_host"]["volumes"][1]
    assert volume["device_minor"] == 3 and volume["disk"]["resync-rate"] == "4096k"


def test_colours_mark_trouble():
    plain = Run(["status"], status_steps()).out
    run = Run(["status", "--color"], status_steps())
    assert "peer-disk:\x1b[31mInconsistent\x1b[0m" in run.out
    assert "disk:\x1b[1;32mUpToDate\x1b[0m" in run.out
    assert "role:\x1b[1;36mPrimary\x1b[0m" in run.out
    # Colour codes count as width, so lines break earlier; the words stay.
    assert re.sub(r"\x1b\[[\d;]*m", "", run.out).split() == plain.split()
