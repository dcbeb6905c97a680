# SPDX-License-Identifier: GPL-2.0
"""Commands inside a node: the host's end of guest/agent.c, which documents the frames."""

import itertools
import os
import socket
import struct
import threading
import time

RUN, STDIN, KILL, HELLO, STDOUT, STDERR, EXIT = 1, 2, 3, 16, 17, 18, 19
FRAME = struct.Struct("<III")
CHUNK = 1 << 16


class CommandFailed(Exception):
    """A command ended otherwise than asked, or not in time."""


class NodeGone(CommandFailed):
    """The node lost power, or was never there."""


class Result:
    def __init__(self, command, status, stdout, stderr):
        self.command, self.status, self.stdout, self.stderr = command, status, stdout, stderr

    def __str__(self):
        return "`%s` ended with status %s\nstdout: %s\nstderr: %s" % (
            self.command, self.status, self.stdout[-3000:], self.stderr[-3000:])

    __repr__ = __str__


class Job:
    """One command under way. stdout and stderr grow while it runs."""

    def __init__(self, agent, number, command, sink=None):
        self.agent, self.number, self.command = agent, number, command
        self.output = {STDOUT: [], STDERR: []}
        self.sink = sink		# called with (STDOUT or STDERR, bytes) as they come
        self.status = None
        self.gone = False
        self.ended = threading.Event()

    def take(self, kind, data):
        if kind in self.output:
            if self.sink:
                self.sink(kind, data)
            else:
                self.output[kind].append(data)
        elif kind == EXIT:
            self.status = os.waitstatus_to_exitcode(struct.unpack("<I", data)[0])
            self.ended.set()

    def raw(self, kind=STDOUT):
        return b"".join(self.output[kind])

    @property
    def stdout(self):
        return self.raw(STDOUT).decode(errors="replace")

    @property
    def stderr(self):
        return self.raw(STDERR).decode(errors="replace")

    def running(self):
        return not self.ended.is_set()

    def kill(self):
        self.agent.send(self.number, KILL, b"")

    def feed(self, data):
        for at in range(0, len(data), CHUNK):
            self.agent.send(self.number, STDIN, data[at:at + CHUNK])
        self.agent.send(self.number, STDIN, b"")

    def wait(self, timeout=120, check=True):
        if not self.ended.wait(timeout):
            self.kill()
            self.ended.wait(5)
            raise CommandFailed("%s: `%s` has not ended in %s s\nstdout: %s\nstderr: %s" % (
                self.agent.name, self.command, timeout, self.stdout[-3000:], self.stderr[-3000:]))
        if self.gone:
            raise NodeGone("%s went away during `%s`" % (self.agent.name, self.command))
        result = Result(self.command, self.status, self.stdout, self.stderr)
        if check and self.status != 0:
            raise CommandFailed("%s: %s" % (self.agent.name, result))
        return result


class Agent:
    def __init__(self, name, path):
        self.name, self.path = name, path
        self.socket = self.reader = None
        self.jobs = {}
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.hello = threading.Event()

    def connect(self, timeout, alive):
        """Returns when the node serves commands; `alive` tells whether it is worth waiting."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(self.path)
                break
            except OSError:
                if time.monotonic() > deadline or not alive():
                    raise NodeGone("%s: its command port did not open" % self.name) from None
                time.sleep(0.05)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        while not self.hello.wait(0.2):
            if time.monotonic() > deadline or not alive():
                raise NodeGone("%s has not booted in %d s; see its console log" % (self.name, timeout))

    def read_exactly(self, length):
        data = bytearray()
        while len(data) < length:
            got = self.socket.recv(min(length - len(data), 1 << 20))
            if not got:
                raise OSError("end of file")
            data += got
        return bytes(data)

    def read(self):
        try:
            while True:
                number, kind, length = FRAME.unpack(self.read_exactly(FRAME.size))
                data = self.read_exactly(length)
                if kind == HELLO:
                    self.hello.set()
                    continue
                job = self.jobs.get(number)
                if job:
                    job.take(kind, data)
                    if kind == EXIT:
                        self.jobs.pop(number, None)
        except OSError:
            pass
        for job in list(self.jobs.values()):
            job.gone = True
            job.ended.set()
        self.jobs.clear()

    def send(self, number, kind, data):
        try:
            with self.lock:
                self.socket.sendall(FRAME.pack(number, kind, len(data)) + data)
        except (OSError, AttributeError):
            raise NodeGone("%s is not running" % self.name) from None

    def start(self, command, data=b"", sink=None):
        job = Job(self, next(self.numbers), command, sink)
        self.jobs[job.number] = job
        try:
            self.send(job.number, RUN, command.encode())
            job.feed(data)
        except NodeGone:
            self.jobs.pop(job.number, None)
            raise
        return job

    def close(self):
        """
        To be called when the node has ended. What it had said before is heard to its last byte, as it may be the only
        word of a write; then the jobs that were under way count as gone.
        """
        if not self.socket:
            return
        if self.reader:
            self.reader.join(5)
            if self.reader.is_alive():
                self.socket.shutdown(socket.SHUT_RDWR)
                self.reader.join()
        self.socket.close()
        self.socket = self.reader = None
