#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""seeds.py OUT: inputs for the fuzzers made from the genuine vectors, OUT/<target>/..."""
import gzip
import pathlib
import struct
import sys

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"

# The order of the containers in fuzz_netlink.c, by attribute number.
SECTIONS = [3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 2, 8, 15, 16, 17, 18, 20, 22]

# What drbdsetup asks, and what the kernel answered then.
TALKS = {
    "status -v --statistics": ["sync_get_status_dump.rep*"],
    "role 0": ["sync_get_status.rep"],
    "dstate 0": ["synctarget_get_status.rep"],
    "get-gi 0": ["sync_get_status.rep"],
    "show-gi 0": ["get_status_attached.rep"],
    "show": ["sync_get_resources.rep*", "sync_get_devices.rep*", "sync_get_connections.rep*",
             "sync_get_peer_devices_all.rep*"],
    "status --json": ["sync_initial_state.rep*"],
    "events2 --timestamps --statistics all": ["sync_initial_state.rep*", "mc_*"],
    "events2 --now r0": ["sync_initial_state.rep*"],
    "wait-connect 0 --wfc-timeout=1": ["sync_get_status.rep", "mc_*"],
    "attach 0 /dev/vdb /dev/vdb internal --al-extents=67": ["attach.rep"],
    "connect ipv4:10.0.0.1:7788 ipv4:10.0.0.2:7788 r0 --protocol=C": ["connect.rep"],
    "primary 0 --force": ["err_state_change.rep"],
    "down r0": ["down.rep"],
}


def datagrams(patterns):
    for pattern in patterns:
        for path in sorted((VECTORS / "netlink").glob(pattern + ".bin")):
            data = path.read_bytes()
            flag = 0 if path.name.startswith("mc_") else 0x8000
            yield struct.pack("<H", len(data) | flag) + data


def write(directory, name, data):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name.replace("/", "-").replace(" ", "_")).write_bytes(data)


def setup(out):
    family = list(datagrams(["ctrl_getfamily.rep"]))
    for words, patterns in TALKS.items():
        write(out, words, words.encode() + b"\n" + b"".join(family + list(datagrams(patterns))))


def netlink(out):
    for path in (VECTORS / "netlink").glob("*.bin"):
        data = path.read_bytes()
        at = 16 + 4 + 8
        while at + 4 <= len(data):
            length, kind = struct.unpack_from("<HH", data, at)
            if length < 4:
                break
            kind &= 0x3fff
            if kind in SECTIONS:
                write(out, f"{path.stem}-{kind}", bytes([SECTIONS.index(kind)]) + data[at + 4:at + length])
            at += (length + 3) & ~3


def config(out):
    for path in (VECTORS / "config").glob("*.res"):
        write(out, path.name, path.read_bytes())
        write(out, "adm-" + path.name, b"-d dump all\n" + path.read_bytes())
    for path in (VECTORS / "config" / "runtime").glob("*.txt"):
        write(out, "show-" + path.name, b"!" + path.read_bytes())


def adm(out):
    for words in ["-d up all", "-d adjust r0", "-dd create-md r0/1", "-d -- --force primary r1", "dump-xml",
                  "sh-resources", "sh-dev r0", "-d down all", "-d wait-connect r0", "-d attach --al-extents=67 r0",
                  "-d verify --start=0 r0/0", "-S -d up all", "-P bert -d connect r0", "fence-peer minor-0"]:
        write(out, words, words.encode())
    for path in (VECTORS / "config").glob("*.res"):
        write(out, path.name, b"-d up all\n" + path.read_bytes())


def meta(out):
    for path in (VECTORS / "metadata").glob("dump-md*"):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        write(out, path.stem, b"r" + data[:6000])
        write(out, "v" + path.stem, b"v" + data[:6000])


if __name__ == "__main__":
    top = pathlib.Path(sys.argv[1])
    for make in (setup, netlink, config, adm, meta):
        make(top / make.__name__)
