# SPDX-License-Identifier: GPL-2.0
"""Run drbdsetup against recorded or made-up datagrams instead of a kernel."""
import os
import pathlib
import struct
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
VECTORS = TOP / "tests/vectors/netlink"
RUNTIME = TOP / "tests/vectors/config/runtime"
PROGRAM = TOP / "build/utils/drbdsetup-replay"
GETFAMILY = ["send", VECTORS / "ctrl_getfamily.rep.bin"]


def build():
    subprocess.run(["make", "-s", "-C", TOP / "drbd-utils/drbdsetup", "replay"], check=True)


class Multicast(bytes):
    """A datagram that keeps its own sequence number."""

    def __new__(cls, datagram, seq):
        return super().__new__(cls, datagram[:8] + struct.pack("<I", seq) + datagram[12:])


class Run:
    """steps: "send", "timeout", "lost", a path, or the bytes of a datagram."""

    def __init__(self, words, steps=(), getfamily=True, environment=None):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            lines = []
            for number, step in enumerate((GETFAMILY if getfamily else []) + list(steps)):
                if isinstance(step, bytes):
                    prefix = "mc" if isinstance(step, Multicast) else "reply"
                    path = scratch / f"{prefix}_{number}.bin"
                    path.write_bytes(step)
                    step = path
                lines.append(f"{step}\n")
            (scratch / "script").write_text("".join(lines))
            sent = scratch / "sent"
            sent.mkdir()
            result = subprocess.run(
                [PROGRAM, *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                env={**os.environ, "REPLAY_SCRIPT": str(scratch / "script"), "REPLAY_SENT": str(sent),
                     "LC_ALL": "C", **(environment or {})})
            self.status = result.returncode
            self.out = result.stdout
            self.err = result.stderr
            self.sent = [(sent / f"{n}.bin").read_bytes() for n in range(len(list(sent.iterdir())))]

    def request(self, number=0):
        """The n-th request after the one that asks for the family."""
        return self.sent[number + 1]


def without_identity(datagram):
    """A datagram without the family's number, sequence and port."""
    return datagram[:4] + datagram[6:8] + datagram[16:]


def vector(name):
    return (VECTORS / name).read_bytes()


def vectors(pattern):
    return sorted(VECTORS.glob(pattern))


def runtime_commands(name):
    """(words, stdout, stderr, status) of every drbdsetup call in a runtime vector."""
    path = next(RUNTIME.glob(f"{name}*"))
    found = []
    for block in path.read_text().split("\n$ ")[1:]:
        head, _, body = block.partition("\n")
        words = head.split()
        if words[0] != "drbdsetup":
            continue
        body, _, status = body.rpartition("[exit ")
        out, _, err = body.partition("[stderr]\n")
        found.append((words[1:], out, err, int(status.rstrip("]\n"))))
    return found
