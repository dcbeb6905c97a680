# SPDX-License-Identifier: GPL-2.0
"""The kernel's side of the generic netlink interface, as datagrams (netlink.md 1-3).

Written from the specification and independent of the C tables, so that a wrong
number there does not go unnoticed.  Little endian like the recorded vectors.
"""
import struct

FAMILY = 32
M, NESTED = 0x4000, 0x8000
NONE = 0xFFFFFFFF


def attr(kind, payload):
    raw = struct.pack("<HH", len(payload) + 4, kind) + payload
    return raw + bytes(-len(raw) % 4)


def u8(kind, value):
    return attr(kind, struct.pack("<B", value))


def u32(kind, value):
    return attr(kind, struct.pack("<I", value & 0xFFFFFFFF))


def u64(kind, value):
    return attr(kind, struct.pack("<Q", value))


def text(kind, value):
    return attr(kind, value.encode() + b"\0")


def message(command, minor, *attributes, ret_code=101, flags=0):
    body = struct.pack("<BBHIi", command, 1, 0, minor, ret_code) + b"".join(attributes)
    return struct.pack("<IHHII", 16 + len(body), FAMILY, flags, 0, 0) + body


def done(error=0):
    return struct.pack("<IHHIIi", 20, 3, 2, 0, 0, error)


def ipv4(address, port):
    return struct.pack("<H", 2) + struct.pack(">H", port) + bytes(map(int, address.split("."))) + bytes(8)


def context(name, volume=None, mine=None, peer=None):
    inner = b""
    if volume is not None:
        inner += u32(1 | M, volume)
    inner += text(2 | M, name)
    if mine:
        inner += attr(3 | M, mine) + attr(4 | M, peer)
    return attr(2, inner)


DISK_DEFAULTS = {
    4: (u64, 0), 5: (u32, 0), 6: (u32, 2), 7: (u32, 0), 8: (u32, 250), 9: (u32, -1), 10: (u32, 1237),
    11: (u32, 20), 12: (u32, 10), 13: (u32, 100), 14: (u32, 102400), 15: (u32, 250), 20: (u32, 0),
    21: (u32, 0), 25: (u32, 0), 16: (u8, 0), 17: (u8, 1), 18: (u8, 1), 19: (u8, 1), 23: (u8, 1),
    24: (u8, 1), 26: (u8, 0),
}
NET_DEFAULTS = {
    1: (text, ""), 2: (text, ""), 3: (text, ""), 4: (text, ""), 5: (text, ""), 6: (u32, 3), 7: (u32, 10),
    8: (u32, 60), 9: (u32, 10), 10: (u32, 5), 11: (u32, 0), 12: (u32, 0), 13: (u32, 7), 14: (u32, 2048),
    15: (u32, 2048), 16: (u32, 128), 17: (u32, 0), 18: (u32, 0), 19: (u32, 0), 20: (u32, 0), 21: (u32, 0),
    22: (u32, 0), 23: (u32, 1237), 24: (u8, 0), 25: (u8, 0), 26: (u8, 1), 27: (u8, 0), 28: (u8, 0),
    29: (u8, 1), 33: (u8, 0), 34: (u32, 0),
}


def fields(defaults, changed):
    return b"".join(make(kind, changed.get(kind, value)) for kind, (make, value) in defaults.items())


def disk_conf(path, changed=()):
    head = text(1, path) + text(2, path) + u32(3, -3)
    return attr(3 | NESTED, head + fields(DISK_DEFAULTS, dict(changed)))


def net_conf(changed=()):
    return attr(5 | NESTED, fields(NET_DEFAULTS, dict(changed)))


def resource_opts():
    return attr(4 | NESTED, text(1, "") + u32(2, 0))


ROLES = ["Unknown", "Primary", "Secondary"]
CONNS = ("StandAlone Disconnecting Unconnected Timeout BrokenPipe NetworkFailure ProtocolError TearDown "
         "WFConnection WFReportParams Connected StartingSyncS StartingSyncT WFBitMapS WFBitMapT WFSyncUUID "
         "SyncSource SyncTarget VerifyS VerifyT PausedSyncS PausedSyncT Ahead Behind").split()
DISKS = ("Diskless Attaching Failed Negotiating Inconsistent Outdated DUnknown Consistent UpToDate").split()


def state_word(role, peer, conn, disk, pdsk, susp=0, aftr=0, peer_isp=0, user=0):
    return (ROLES.index(role) | ROLES.index(peer) << 2 | CONNS.index(conn) << 4 | DISKS.index(disk) << 9 |
            DISKS.index(pdsk) << 13 | susp << 17 | aftr << 18 | peer_isp << 19 | user << 20)


def state_info(word, uuids=None, flags=0, rs=None, reason=1):
    """rs: (bits total, out of sync, resync total, failed)"""
    inner = u32(1 | M, reason) + u32(2, word) + u64(4 | M, 0) + u64(3 | M, 81840)
    for kind in range(15, 21):
        inner += u64(kind, 0)
    for kind in range(21, 24):
        inner += u32(kind, 0)
    if uuids:
        inner += attr(7 | M, struct.pack("<4Q", *uuids)) + u32(8 | M, flags)
    if rs:
        inner += u64(9 | M, rs[0]) + u64(10 | M, rs[1])
        inner += u64(11 | M, rs[2]) + u64(12 | M, rs[3])
    return attr(8, inner)
