#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Two nodes kept up for trying things by hand.

usage: pair.py [-p PAIR] VERB ...      (PAIR: any word, default $BED_PAIR or "dev"; each pair is its own two nodes)

    start [-k KERNEL[,KERNEL]] [-m genuine|ours[,...]] [-t genuine|ours[,...]]     boot both (KERNEL: 6.1 or 6.12)
    on n1|n2 COMMAND          run a shell command there; tests/vm/on does the same. -i first: pass standard input
    load genuine|ours [n1|n2] [PARAMETER=VALUE...]   (re)load that module, freshly copied; everything is taken down first
    unload [n1|n2]            take everything down and remove the module
    tools genuine|ours [n1|n2]    whose drbdadm, drbdsetup, drbdmeta
    reset                     nothing configured, no module, empty disks
    cut | restore             the cable between the nodes
    netem n1|n2 SETTINGS...   delay and loss as for tc-netem(8), none: off
    off n1|n2                 cut its power
    boot n1|n2 [KERNEL]       power on again; its disks are as they were
    put n1|n2 FILE PATH       copy a file in            get n1|n2 PATH FILE      ... and out
    log n1|n2                 kernel console so far     alarms     warnings, oopses and hung tasks on any console
    shell n1|n2               how to log in             disks      where the disk images are
    stop                      end the pair
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bed  # noqa: E402
from agent import EXIT, STDERR, STDOUT  # noqa: E402

FRAME = struct.Struct("<II")
IDLE_LIMIT = 3 * 3600		# a pair that nobody talks to ends itself


def control_path(name):
    return os.path.join(bed.socket_directory("pair-" + name), "control")


# ---- the server: owns the bed


class Server:
    def __init__(self, name, options):
        self.bed = bed.Bed("pair-" + name)
        self.nodes = {each.name: each for each in self.bed.nodes}
        self.bed.start(kernels=options["kernels"])
        for each, module, tools in zip(self.bed.nodes, options["modules"], options["tools"]):
            each.choose(module, tools)
        self.path = control_path(name)
        self.last = time.monotonic()

    def serve(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(16)
        listener.settimeout(60)
        while time.monotonic() - self.last < IDLE_LIMIT:
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            client.setblocking(True)
            self.last = time.monotonic()
            threading.Thread(target=self.handle, args=(client,), daemon=True).start()
        self.bed.stop()

    def handle(self, client):
        def tell(kind, data):
            try:
                client.sendall(FRAME.pack(kind, len(data)) + data)
            except OSError:
                pass

        status = 0
        try:
            stream = client.makefile("rb")
            request = json.loads(stream.readline())
            data = stream.read(request["length"])
            words = request["words"]
            if words[0] == "on":
                job = self.nodes[words[1]].spawn(" ".join(words[2:]), data, sink=tell)
                while not job.ended.wait(1):
                    self.last = time.monotonic()
                status = 255 if job.gone else job.status & 255
                if job.gone:
                    tell(STDERR, b"the node has gone\n")
            else:
                answer = getattr(self, "do_" + words[0])(*words[1:])
                tell(STDOUT, (answer + "\n").encode() if answer else b"")
        except BaseException as error:		# whatever it is, the one who asked shall see it
            tell(STDERR, ("%s: %s\n" % (type(error).__name__, error)).encode())
            if not isinstance(error, (bed.node.agent.CommandFailed, OSError, AssertionError)):
                tell(STDERR, traceback.format_exc().encode())
            status = 1
        tell(EXIT, struct.pack("<i", status))
        client.close()

    def some(self, name):
        return [self.nodes[name]] if name else self.bed.nodes

    def split(self, words):
        """([nodes], other words) of a list that may start with a node's name."""
        if words and words[0] in self.nodes:
            return [self.nodes[words[0]]], words[1:]
        return self.bed.nodes, words

    def do_load(self, module, *words):
        chosen, parameters = self.split(list(words))
        for each in chosen:
            if not self.bed.calm(each):
                raise AssertionError("%s cannot be brought to let go of its module: `pair.py off %s`, then "
                                     "`pair.py boot %s`, or `pair.py reset`" % ((each.name,) * 3))
            each.choose(module, each.tools)
            each.load(" ".join(parameters))
        return "\n".join("%s: %s" % (each.name, each.out("head -n 2 /proc/drbd | tr '\\n' ' '")) for each in chosen)

    def do_unload(self, name=None):
        for each in self.some(name):
            if not self.bed.calm(each):
                raise AssertionError("%s cannot be brought to let go of its module" % each.name)

    def do_tools(self, tools, name=None):
        for each in self.some(name):
            each.choose(each.module, tools)

    def do_reset(self):
        self.bed.reset()

    def do_cut(self):
        self.bed.n1.cut_link()

    def do_restore(self):
        self.bed.n1.restore_link()
        self.bed.n2.restore_link()

    def do_netem(self, name, *settings):
        self.nodes[name].netem(" ".join(settings) or None)

    def do_off(self, name):
        self.nodes[name].power_cut()

    def do_boot(self, name, kernel=None):
        self.nodes[name].restart(kernel=kernel)

    def do_put(self, name, source, path):
        data = open(source, "rb").read()
        self.nodes[name].write(path, data, "755" if os.access(source, os.X_OK) else "644")

    def do_get(self, name, path, target):
        data = self.nodes[name].read(path)
        with open(target, "wb") as handle:
            handle.write(data)

    def do_log(self, name):
        return self.nodes[name].log()

    def do_alarms(self):
        return "\n".join("%s: %s" % (each.name, line) for each in self.bed.nodes for line in each.alarms())

    def do_shell(self, name):
        return "socat -,raw,echo=0,escape=0x1d UNIX-CONNECT:%s      (Ctrl-] leaves)" % (
            self.nodes[name].socket_path("shell"))

    def do_disks(self):
        return "\n".join("%s: %s" % (each.name, path) for each in self.bed.nodes for path in each.disks)

    def do_stop(self):
        self.bed.stop()
        os._exit(0)


# ---- the client


def read_exactly(stream, length):
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def ask(name, words, data=b""):
    """Prints the answer and returns the status."""
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(control_path(name))
    except OSError:
        sys.exit("no pair '%s' is up: start it with  tests/vm/pair.py -p %s start" % (name, name))
    client.sendall(json.dumps({"words": words, "length": len(data)}).encode() + b"\n" + data)
    stream = client.makefile("rb")
    try:
        while True:
            kind, length = FRAME.unpack(read_exactly(stream, FRAME.size))
            payload = read_exactly(stream, length)
            if kind == EXIT:
                return struct.unpack("<i", payload)[0]
            out = sys.stdout.buffer if kind == STDOUT else sys.stderr.buffer
            out.write(payload)
            out.flush()
    except EOFError:
        return 0 if words == ["stop"] else 255


def both(text):
    words = text.split(",")
    return [words[0], words[-1]]


def start(name, words):
    options = {"kernels": ["6.1", "6.1"], "modules": ["genuine"] * 2, "tools": ["genuine"] * 2}
    while words:
        key = {"-k": "kernels", "-m": "modules", "-t": "tools"}[words.pop(0)]
        options[key] = both(words.pop(0))
    try:
        socket.socket(socket.AF_UNIX).connect(control_path(name))
        sys.exit("pair '%s' is up already" % name)
    except OSError:
        pass
    bed.image.Images().accelerator()
    log_path = os.path.join(bed.image.CACHE, "pair-%s.log" % name)
    with open(log_path, "wb") as log:
        server = subprocess.Popen([sys.executable, os.path.abspath(__file__), "-p", name, "serve", json.dumps(options)],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    while server.poll() is None:
        try:
            socket.socket(socket.AF_UNIX).connect(control_path(name))
            print("up: tests/vm/on -p %s n1 'uname -a'; tests/vm/pair.py -p %s stop" % (name, name))
            return 0
        except OSError:
            time.sleep(0.2)
    sys.exit(open(log_path).read() + "pair '%s' did not come up" % name)


def main():
    words = sys.argv[1:]
    name = os.environ.get("BED_PAIR", "dev")
    if words[:1] == ["-p"]:
        name, words = words[1], words[2:]
    if not words or words[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    verb = words[0]
    if verb == "serve":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        server = Server(name, json.loads(words[1]))
        try:
            server.serve()
        finally:
            server.bed.stop()
        return 0
    if verb == "start":
        return start(name, words[1:])
    data = b""
    if verb == "on" and words[1:2] == ["-i"]:
        words = ["on"] + words[2:]
        data = sys.stdin.buffer.read()
    if verb == "put":
        words[2] = os.path.abspath(words[2])
    if verb == "get":
        words[3] = os.path.abspath(words[3])
    if verb not in ("on", "put", "get") and not hasattr(Server, "do_" + verb):
        sys.exit(__doc__)
    return ask(name, words, data)


if __name__ == "__main__":
    sys.exit(main())
