# SPDX-License-Identifier: GPL-2.0
"""One QEMU virtual machine of the test bed."""

import ctypes
import glob
import hashlib
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import threading
import time

import agent
import image
import volatile

MODULES = os.path.join(image.TOP, "build", "modules")
TOOLS = {name: os.path.join(image.TOP, "drbd-utils", name, name) for name in ("drbdadm", "drbdsetup", "drbdmeta")}

# Anything like this on a console fails the test it happens in.
ALARMS = re.compile(
    r"WARNING: |BUG: |BUG at |Oops|general protection fault|Kernel panic|kernel NULL pointer|unable to handle|"
    r"INFO: task .* blocked for more|rcu.*detected.*stall|soft lockup|possible .*deadlock|possible .*locking|"
    r"suspicious RCU usage|sleeping function called|scheduling while atomic|refcount_t: |list_(add|del) corruption|"
    r"Objects remaining in|KASAN|UBSAN|ODEBUG|non-static key|MAX_LOCKDEP_\w+ too low|bad unlock balance|page allocation failure|Out of memory|"
    r"cut here")
# What the distribution's own kernel says under emulation, whatever we do.
HARMLESS = re.compile(r"x86/mm: Checked|Spectre|MDS|clocksource:|TSC|WARNING: Multiple")


def module_path(version):
    """The newest drbd.ko under test that was built for the kernel with that `uname -r`, or None."""
    found = []
    for path in glob.glob(os.path.join(MODULES, "*", "drbd.ko")):
        magic = subprocess.run(["/sbin/modinfo", "-F", "vermagic", path], stdout=subprocess.PIPE, text=True,
                               check=False).stdout.split()
        if magic[:1] == [version]:
            found.append(path)
    return max(found, key=os.path.getmtime, default=None)


def end_with_parent():
    """In a child before exec: no machine outlives the test run, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


class Qmp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise RuntimeError("QMP %s: %s" % (command, answer["error"]["desc"]))
            if "return" in answer:
                return answer["return"]


class Node:
    """
    name, address   host name and IPv4 address with prefix, for example "n1", "10.77.0.1/24"
    directory       where its disks and console log live
    sockets         a directory with a short path, for its unix sockets
    number          1 for the first node, 2 for the second: its MAC and IPv6 address
    """

    def __init__(self, images, name, address, directory, sockets, number, hosts):
        self.images, self.name, self.address, self.number, self.hosts = images, name, address, number, hosts
        self.address6 = "fd77::%d/64" % number
        self.directory = os.path.join(directory, name)
        self.sockets = sockets
        self.outlive = False		# stay up when this program ends
        self.peer = None		# name of the node at the other end of the link
        self.process = self.agent = self.qmp = None
        self.series, self.memory, self.cpus = "6.1", "512M", 1
        self.disks = []			# paths of vdb, vdc, ...
        self.volatile = False		# what was not flushed is lost with the power
        self.caches = []		# volatile.Disk of each, if so
        self.fate = random.Random("%s %s" % (name, os.environ.get("BED_SEED", "1")))
        self.module, self.tools = "genuine", "genuine"
        self.sent = {}			# guest path -> hash of what was put there
        self.console = os.path.join(self.directory, "console.log")
        self.pid_file = os.path.join(self.directory, "pid")
        self.marked = 0
        self.slow = (1 if images.accelerator() == "kvm" else 4) * int(os.environ.get("BED_SLOWER", "1"))
        os.makedirs(self.directory, exist_ok=True)

    # ---- power

    def socket_path(self, kind):
        return os.path.join(self.sockets, "%s.%s" % (self.name, kind))

    def make_disks(self, sizes):
        """Fresh, sparse disks vdb, vdc, ... and a fresh root. The node must be off."""
        self.disks = []
        for index, size in enumerate(sizes):
            path = os.path.join(self.directory, "vd%s.raw" % "bcdefgh"[index])
            with open(path, "wb") as handle:
                handle.truncate(size)
            self.disks.append(path)
        self.sent = {}
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.images.root,
                        os.path.join(self.directory, "root.qcow2")], check=True)

    def command(self):
        accel = self.images.accelerator()
        words = ["qemu-system-x86_64", "-name", self.name, "-M", "q35",
                 # Translated code would fill a gibibyte of the host by default.
                 "-accel", "tcg,tb-size=256" if accel == "tcg" else accel,
                 "-cpu", "host" if accel == "kvm" else "max", "-m", self.memory, "-smp", str(self.cpus),
                 "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                 "-kernel", self.images.kernel[self.series], "-initrd", self.images.initrd[self.series],
                 "-append", "console=ttyS0 loglevel=7 panic=-1 rcupdate.rcu_cpu_stall_timeout=180 watchdog_thresh=60 "
                 "mitigations=off net.ifnames=0 bed.name=%s bed.address=%s bed.address6=%s bed.hosts=%s bed.hung=%d"
                 % (self.name, self.address, self.address6, self.hosts, 15 * self.slow),
                 "-chardev", "file,id=console,path=%s,append=on" % self.console, "-serial", "chardev:console",
                 "-qmp", "unix:%s,server=on,wait=off" % self.socket_path("qmp"),
                 "-chardev", "socket,id=bed,path=%s,server=on,wait=off" % self.socket_path("agent"),
                 "-chardev", "socket,id=shell,path=%s,server=on,wait=off" % self.socket_path("shell"),
                 "-device", "virtio-serial-pci", "-device", "virtconsole,chardev=shell",
                 "-device", "virtserialport,chardev=bed,name=bed",
                 "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
                 "-netdev", "dgram,id=link,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s"
                 % (self.socket_path("net"), os.path.join(self.sockets, "%s.net" % self.peer)),
                 "-device", "virtio-net-pci,netdev=link,id=eth,romfile=,mac=52:54:00:77:00:%02x" % self.number,
                 "-drive", "file=%s,if=virtio,format=qcow2,cache=unsafe" % os.path.join(self.directory, "root.qcow2")]
        for index, path in enumerate(self.disks):
            words += ["-drive", self.caches[index].drive if self.caches else
                      "file=%s,if=virtio,format=raw,cache=writeback,discard=unmap" % path]
        return words

    def start(self, kernel=None, memory=None, cpus=None, wait=True):
        self.series, self.memory, self.cpus = kernel or self.series, memory or self.memory, cpus or self.cpus
        for kind in ("qmp", "agent", "shell", "net"):
            if os.path.exists(self.socket_path(kind)):
                os.unlink(self.socket_path(kind))
        self.caches = [volatile.Disk(path) for path in self.disks] if self.volatile else []
        log = open(os.path.join(self.directory, "qemu.log"), "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        start_new_session=True,
                                        # The kernel means the thread by "parent".
                                        preexec_fn=None if self.outlive or threading.current_thread()
                                        is not threading.main_thread() else end_with_parent)
        log.close()
        with open(self.pid_file, "w") as handle:
            handle.write(str(self.process.pid))
        self.agent = agent.Agent(self.name, self.socket_path("agent"))
        if wait:
            self.wait_booted()

    def wait_booted(self):
        self.agent.connect(60 * self.slow, self.alive)
        self.qmp = Qmp(self.socket_path("qmp"))

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def power_cut(self):
        """Everything that has not reached a disk is lost at once; with `volatile` disks, what these had not flushed, too."""
        lossy = bool(self.caches) and self.alive() and self.qmp is not None
        if lossy:
            # Ends what is under way, so that the logs of all disks end at one moment.
            self.qmp.ask("stop")
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = self.qmp = None
        if self.agent:
            self.agent.close()
        self.lost = sum(cache.power_lost(self.fate) for cache in self.caches) if lossy else 0
        for cache in self.caches:
            cache.remove()
        self.caches = []

    def restart(self, **changes):
        self.power_cut()
        self.start(**changes)
        self.choose(self.module, self.tools)

    # ---- commands and files

    def spawn(self, command, data=b"", sink=None):
        if not self.agent:
            raise agent.NodeGone("%s is not running" % self.name)
        return self.agent.start(command, data, sink)

    def run(self, command, timeout=None, check=True, data=b""):
        return self.spawn(command, data).wait(timeout or 30 * self.slow, check)

    def out(self, command, **options):
        return self.run(command, **options).stdout.strip()

    def write(self, path, text, mode="644"):
        data = text if isinstance(text, bytes) else text.encode()
        quoted = shlex.quote(path)
        # A new file, never the old one overwritten: it may be a program that runs, or a symbolic link.
        self.run("mkdir -p $(dirname %s) && cat > %s.new && chmod %s %s.new && mv -fT %s.new %s && sync -f %s"
                 % (quoted, quoted, mode, quoted, quoted, quoted, quoted), data=data, timeout=120 * self.slow)

    def put(self, source, path, mode="755"):
        data = open(source, "rb").read()
        key = hashlib.sha1(data).hexdigest()
        if self.sent.get(path) != key:
            self.write(path, data, mode)
            self.sent[path] = key

    def read(self, path):
        job = self.spawn("cat %s" % shlex.quote(path))
        job.wait(60 * self.slow)
        return job.raw()

    # ---- module and tools

    def version(self):
        return self.images.version[self.series]

    def module_path(self):
        return module_path(self.version())

    def choose(self, module, tools):
        """Which drbd.ko and which drbdadm, drbdsetup and drbdmeta this node has from now on."""
        self.module, self.tools = module, tools
        if module == "ours" and not self.module_path():
            raise FileNotFoundError("no module under test for kernel %s below %s: `make vm-modules` makes it"
                                    % (self.version(), MODULES))
        if tools == "ours":
            for name, path in TOOLS.items():
                if not os.path.exists(path):
                    raise FileNotFoundError("no %s under test: `make tools` makes %s" % (name, path))
                self.put(path, "/usr/lib/drbd-ours/" + name)
        # The kernel calls /sbin/drbdadm: these links serve it too.
        self.run("for tool in drbdadm drbdsetup drbdmeta; do"
                 " ln -sfn /usr/lib/drbd-%s/$tool /usr/sbin/$tool; done" % tools)

    def load(self, parameters=""):
        if self.module == "genuine":
            self.run("modprobe drbd " + parameters)
        else:
            # Without debug information it is a tenth as long.
            small = os.path.join(self.directory, "drbd.ko")
            subprocess.run(["strip", "-g", "-o", small, self.module_path()], check=True)
            self.put(small, "/usr/lib/drbd-ours/drbd.ko", "644")
            self.run("modprobe -a libcrc32c lru_cache 2>/dev/null; insmod /usr/lib/drbd-ours/drbd.ko " + parameters)

    def loaded(self):
        return self.run("grep -q '^drbd ' /proc/modules", check=False).status == 0

    def unload(self):
        self.run("! grep -q '^drbd ' /proc/modules || rmmod drbd")

    # ---- faults

    def cut_link(self):
        self.qmp.ask("set_link", name="link", up=False)

    def restore_link(self):
        self.qmp.ask("set_link", name="link", up=True)

    def netem(self, settings=None):
        """Delay, loss and so on of what this node sends, in tc-netem(8)'s words; None takes them away."""
        self.run("tc qdisc del dev eth0 root 2>/dev/null; true")
        if settings:
            self.run("tc qdisc add dev eth0 root netem " + settings)

    # ---- what happened

    def mark(self):
        """From here on the console belongs to the next test."""
        self.marked = os.path.getsize(self.console) if os.path.exists(self.console) else 0

    def log(self):
        if not os.path.exists(self.console):
            return ""
        with open(self.console, "rb") as handle:
            handle.seek(self.marked)
            return handle.read().decode(errors="replace")

    def alarms(self):
        return [line.strip() for line in self.log().splitlines()
                if ALARMS.search(line) and not HARMLESS.search(line)]

    def wait_for(self, what, condition, timeout=None):
        """Asks `condition` until it is true; its last answer is in the complaint when time is out."""
        timeout = timeout or 30 * self.slow
        deadline = time.monotonic() + timeout
        while True:
            answer = condition()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError("%s: %s has not come true in %d s\n%s" % (
                    self.name, what, timeout, self.run("cat /proc/drbd", check=False).stdout))
            time.sleep(0.1 * self.slow)
