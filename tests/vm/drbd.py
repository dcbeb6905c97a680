# SPDX-License-Identifier: GPL-2.0
"""A DRBD resource on the two nodes of a bed: its configuration, its state, and whether both disks are alike."""

import re

CONFIGURATION = "global { usage-count no; }\ninclude \"drbd.d/*.res\";\n"

# Shorter than the defaults where they only make tests wait, longer where emulation is slow.
NET = {"ping-int": 2, "ping-timeout": 15, "timeout": 50, "connect-int": 1}
DISK = {"resync-rate": "40M", "c-plan-ahead": 0}


class Status:
    """One minor in /proc/drbd."""

    def __init__(self, text):
        self.text = text
        found = re.search(r"cs:(\S+)", text)
        self.cs = found.group(1) if found else "absent"
        found = re.search(r"ro:(\S+)/(\S+) ds:(\S+)/(\S+)(?: (\S) (\S+))?", text)
        if found:
            self.role, self.peer_role, self.disk, self.peer_disk, self.protocol, self.flags = found.groups()
        else:
            self.role = self.peer_role = self.disk = self.peer_disk = self.protocol = self.flags = None
        self.counters = {name: int(value) for name, value in re.findall(r"\b([a-z]+):(\d+)\b", text)}

    def __getattr__(self, name):
        try:
            return self.__dict__["counters"][name]
        except KeyError:
            raise AttributeError(name) from None


class Resource:
    """
    net, disk, options, syncer: statements of those sections, as dict or text lines
    disks: backing device of each volume;  meta: meta-disk of each volume
    """

    def __init__(self, lab, name="r0", net=None, disk=None, options="", disks=("/dev/vdc",), meta=("internal",),
                 protocol="C", ipv6=False, port=7789, first_minor=0, extra="", defaults=True):
        self.lab, self.name, self.protocol = lab, name, protocol
        self.net = dict(NET if defaults else {}, **(net or {}))
        self.disk = dict(DISK if defaults else {}, **(disk or {}))
        self.options, self.extra = options, extra
        self.disks, self.meta = list(disks), list(meta) * (len(disks) if len(meta) == 1 else 1)
        self.ipv6, self.port, self.first_minor = ipv6, port, first_minor

    @staticmethod
    def section(name, values):
        return "  %s {\n%s  }\n" % (name, "".join(
            "    %s;\n" % key if value is True else "    %s %s;\n" % (key, value)
            for key, value in values.items() if value is not None))

    def text(self):
        words = "resource %s {\n" % self.name
        words += self.section("net", dict({"protocol": self.protocol}, **self.net))
        words += self.section("disk", self.disk)
        if self.options:
            words += "  options { %s }\n" % self.options
        words += self.extra
        for node in self.lab.nodes:
            words += "  on %s {\n" % node.name
            for volume, (disk, meta) in enumerate(zip(self.disks, self.meta)):
                words += "    volume %d { device /dev/drbd%d; disk %s; meta-disk %s; }\n" % (
                    volume, self.first_minor + volume, disk, meta)
            if self.ipv6:
                words += "    address ipv6 [%s]:%d;\n" % (node.address6.split("/")[0], self.port)
            else:
                words += "    address %s:%d;\n" % (node.address.split("/")[0], self.port)
            words += "  }\n"
        return words + "}\n"

    def device(self, volume=0):
        return "/dev/drbd%d" % (self.first_minor + volume)

    # ---- commands

    def each(self, nodes, command, data=b"", timeout=240):
        """One command on all those nodes (both by default) at the same time."""
        jobs = [node.spawn(command, data) for node in nodes or self.lab.nodes]
        for job in jobs:
            job.wait(timeout)

    def files(self):
        """A shell command which makes /etc/drbd.conf and the resource's file of its standard input."""
        return ("printf '%%s' '%s' > /etc/drbd.conf; mkdir -p /etc/drbd.d; cat > /etc/drbd.d/%s.res; sync -f /etc/drbd.conf"
                % (CONFIGURATION, self.name))

    def write(self, *nodes):
        self.each(nodes, self.files(), self.text().encode())

    def adm(self, node, *words, check=True, timeout=None):
        return node.run("drbdadm " + " ".join(words) + " " + self.name, check=check, timeout=timeout)

    def create(self, *nodes):
        self.each(nodes, self.files() + " && yes yes | drbdadm create-md --force " + self.name, self.text().encode())

    def up(self, *nodes):
        self.each(nodes, "drbdadm up " + self.name)

    def connected_blank(self):
        """Configured on both nodes and connected, with nothing synchronised yet."""
        self.create()
        self.up()
        self.wait(cs="Connected", disk="Inconsistent", peer_disk="Inconsistent")

    def in_sync(self, primary=None):
        """Configured, connected, both disks UpToDate, by declaring the empty disks equal; then a primary."""
        self.connected_blank()
        for volume in range(len(self.disks)):
            self.lab.n1.run("drbdadm new-current-uuid --clear-bitmap %s/%d" % (self.name, volume))
        self.wait(cs="Connected", disk="UpToDate", peer_disk="UpToDate")
        if primary:
            self.adm(primary, "primary")

    # ---- state

    def status(self, node, volume=0):
        text = node.out("cat /proc/drbd")
        minor = self.first_minor + volume
        found = re.search(r"^ *%d: .*?(?=^ *\d+: |\Z)" % minor, text, re.S | re.M)
        return Status(found.group(0) if found else "")

    def wait(self, *nodes, timeout=None, volume=None, **wanted):
        """Until /proc/drbd of the nodes (both by default) shows all of cs, role, peer_role, disk, peer_disk wanted."""
        volumes = range(len(self.disks)) if volume is None else [volume]
        for node in nodes or self.lab.nodes:
            for each in volumes:
                def so(node=node, each=each):
                    status = self.status(node, each)
                    return all(getattr(status, key) in ((value,) if isinstance(value, str) else value)
                               for key, value in wanted.items())
                node.wait_for("%s/%d %s" % (self.name, each, wanted), so, timeout)

    def wait_synced(self, timeout=None):
        self.wait(cs="Connected", disk="UpToDate", peer_disk="UpToDate", timeout=timeout)

    def size(self, node, volume=0):
        # Not by opening the device: a Secondary may not be opened.
        return 512 * int(node.out("cat /sys/block/drbd%d/size" % (self.first_minor + volume)))

    def uuids(self, node, volume=0):
        """Current, bitmap and two history identifiers, as text."""
        text = node.out("drbdadm show-gi %s/%d" % (self.name, volume))
        return re.search(r"^\s*([0-9A-F]{16}(?::[0-9A-F]{16}){3})", text, re.M).group(1).split(":")

    # ---- data

    def image(self, node, volume=0):
        return node.disks["bcdefgh".index(self.disks[volume][-1])]

    def settle(self):
        """Both nodes have done all that was asked of them."""
        for node in self.lab.nodes:
            for volume in range(len(self.disks)):
                node.wait_for("nothing under way", lambda n=node, v=volume: not any(
                    self.status(n, v).counters.get(key) for key in ("lo", "pe", "ua", "ap")))

    def differences(self, volume=0, size=None):
        """Numbers of the 4 KiB blocks of the data area in which both backing disks differ, looked up from outside."""
        if size is None:
            node = next(n for n in self.lab.nodes if n.run("test -b " + self.device(volume), check=False).status == 0)
            size = self.size(node, volume)
        found = []
        with open(self.image(self.lab.n1, volume), "rb") as one, open(self.image(self.lab.n2, volume), "rb") as two:
            for start in range(0, size, 1 << 20):
                length = min(1 << 20, size - start)
                a, b = one.read(length), two.read(length)
                if a != b:
                    found += [(start + at) // 4096 for at in range(0, length, 4096) if a[at:at + 4096] != b[at:at + 4096]]
        return found

    def assert_mirrored(self, volume=0):
        self.settle()
        differing = self.differences(volume)
        assert not differing, "the disks differ in %d blocks of 4 KiB, first %s" % (len(differing), differing[:10])

    def assert_oos(self, value=0):
        for node in self.lab.nodes:
            for volume in range(len(self.disks)):
                assert self.status(node, volume).oos == value, self.status(node, volume).text

    def verify(self, node, volume=0, timeout=240):
        """Runs an online verify; returns KiB found out of sync."""
        self.adm(node, "verify")
        self.wait(node, cs="Connected", volume=volume, timeout=timeout)
        return self.status(node, volume).oos

    def fill(self, node, mebibytes=8, seek=0, volume=0):
        """Writes that many MiB of noise from MiB `seek` on."""
        # openssl makes noise faster than /dev/urandom under emulation.
        node.run("openssl enc -aes-128-ctr -nosalt -K $(printf %%032x $RANDOM$RANDOM) -iv 0 -in /dev/zero 2>/dev/null |"
                 " dd of=%s bs=1M count=%d seek=%d iflag=fullblock oflag=direct status=none; test ${PIPESTATUS[1]} = 0"
                 % (self.device(volume), mebibytes, seek), timeout=240)
