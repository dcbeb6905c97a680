# SPDX-License-Identifier: GPL-2.0
"""A place where drbdadm believes to be a given host with given addresses.

The genuine vectors were printed in private host name, network and mount
namespaces; so are ours.  drbdsetup and drbdmeta are replaced by a script that
notes how it was called and answers as a test wants.
"""
import os
import shutil
import subprocess

import pytest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DRBDADM = os.path.join(TOP, "drbd-utils", "drbdadm", "drbdadm")
VECTORS = os.path.join(TOP, "tests", "vectors", "config")
ADDRESSES = ("10.1.1.1", "10.1.1.9", "192.168.20.114")

SETUP = """
hostname "$1"; shift
mount -t tmpfs tmpfs /run
ip link set lo up
for address in {}; do ip addr add $address/32 dev lo; done
exec "$@"
""".format(" ".join(ADDRESSES))


def _namespace_command():
    base = ["unshare", "--mount", "--uts", "--net"]
    for command in (base, base + ["--map-root-user"]):
        probe = command + ["sh", "-ec", SETUP, "sh", "h1", "true"]
        try:
            if subprocess.run(probe, capture_output=True).returncode == 0:
                return command
        except FileNotFoundError:
            break
    return None


NAMESPACE = _namespace_command()
needs_namespaces = pytest.mark.skipif(NAMESPACE is None, reason="needs unshare, root or user namespaces")


def build():
    subprocess.run(["make", "-s", "-C", os.path.dirname(DRBDADM)], check=True)


def drbdadm(*args, host="h1", cwd=VECTORS, program=DRBDADM, env=None, stdin=None):
    """Runs drbdadm as host; returns the finished process, text decoded."""
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", **(env or {})}
    command = NAMESPACE + ["sh", "-ec", SETUP, "sh", host, program, *args]
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True,
                          timeout=30, **source)


FAKE = """#!/bin/sh
# notes the call; the answers are in $FAKE/<tool>-<command>: output, code, errors, seconds
tool=${0##*/}
case $tool in
drbdmeta) command=$5 ;;
*) command=$1 ;;
esac
echo "$tool $*" >> "$FAKE/log"
answer="$FAKE/$tool-$command"
[ -e "$answer.seconds" ] && sleep "$(cat "$answer.seconds")" > /dev/null 2>&1
[ -e "$answer.errors" ] && cat "$answer.errors" >&2
[ -e "$answer.output" ] && cat "$answer.output"
[ -e "$answer.code" ] && exit "$(cat "$answer.code")"
exit 0
"""


class FakeNode:
    """drbdadm beside fake tools; configuration in config.res."""

    def __init__(self, path, host="h1"):
        self.path = str(path)
        self.host = host
        shutil.copy(DRBDADM, self.file("drbdadm"))
        for tool in ("drbdsetup", "drbdmeta"):
            self.write(tool, FAKE)
            os.chmod(self.file(tool), 0o755)

    def file(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.file(name)

    def config(self, text):
        self.write("config.res", text)

    def answer(self, tool, command, code=None, output=None, errors=None, seconds=None):
        for suffix, value in (("code", code), ("output", output), ("errors", errors),
                              ("seconds", seconds)):
            if value is not None:
                self.write(f"{tool}-{command}.{suffix}", str(value))

    def run(self, *args, env=None, host=None, stdin=None):
        full = {"FAKE": self.path, **(env or {})}
        return drbdadm("-c", "config.res", *args, host=host or self.host, cwd=self.path,
                       program=self.file("drbdadm"), env=full, stdin=stdin)

    def calls(self):
        """What was called since the last time, one line each."""
        try:
            with open(self.file("log"), encoding="utf-8") as log:
                lines = log.read().splitlines()
            os.unlink(self.file("log"))
            return lines
        except FileNotFoundError:
            return []
