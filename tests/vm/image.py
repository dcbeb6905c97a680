#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Makes what the nodes of the test bed boot from, once, under build/vm/:

    root-<key>.img       a small Debian root: drbd-utils, fio, LVM, file system tools, modules of both kernels
    vmlinuz-<kernel>     kernel "6.1" and "6.12"
    initrd-<kernel>.img  drivers of the root disk, and the programs in guest/

Each is named after, or remade by, a hash of what it is made from. `image.py` by itself makes all of them and
says where they are. Packages come from wherever this machine's own apt gets them.
"""

import contextlib
import fcntl
import glob
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(TOP, "build", "vm")

SUITE = "bookworm"
KERNELS = {"6.1": "linux-image-cloud-amd64", "6.12": "linux-image-6.12-cloud-amd64"}
# Kernels of other suites, unpacked by suites.py: a node with one of them is asked for by the suite's name.
FOREIGN = {suite: os.path.join(os.path.dirname(CACHE), "suites", suite) for suite in os.environ.get("BED_SUITES", "").split()}
PACKAGES = """drbd-utils fio lvm2 e2fsprogs xfsprogs iproute2 iputils-ping util-linux procps kmod sqlite3 socat
    python3-minimal libnl-3-200 libnl-genl-3-200 libjson-c5 libudev1 libblkid1 libncursesw6 strace tcpdump
    file less openssl""".split()

# What tests use of a kernel's modules; the rest would only make the image large.
MODULES = """kernel/arch/x86/crypto kernel/crypto kernel/lib kernel/block kernel/mm
    kernel/drivers/block kernel/drivers/md kernel/drivers/virtio kernel/drivers/nvme kernel/drivers/char
    kernel/drivers/scsi kernel/drivers/cdrom kernel/drivers/dax kernel/drivers/nvdimm
    kernel/drivers/net/virtio_net.ko kernel/drivers/net/net_failover.ko kernel/drivers/net/dummy.ko
    kernel/drivers/net/veth.ko kernel/drivers/net/tun.ko
    kernel/fs/ext4 kernel/fs/jbd2 kernel/fs/mbcache.ko kernel/fs/xfs kernel/fs/fscache kernel/fs/overlayfs
    kernel/net/core kernel/net/ipv4 kernel/net/ipv6 kernel/net/netfilter kernel/net/sched kernel/net/packet
    kernel/net/802 kernel/net/llc kernel/net/bridge kernel/net/8021q kernel/net/tls""".split()

INITRD_MODULES = ["virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "ext4", "crc32c_generic"]

EXCLUDED_PATHS = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*",
                  "/usr/share/i18n/*", "/usr/share/fio/*", "/usr/lib/x86_64-linux-gnu/gconv/*"]

# Runs in mmdebstrap with the new root as $1. Kernels are unpacked without their install scripts, which would
# make an initrd that nobody boots. The genuine tools get a place of their own, and symbolic links where they were,
# so that a node can switch between them and the ones under test.
CUSTOMIZE = r"""
set -e
root=$1
cd "$root/tmp"
for choice in @KERNEL_PACKAGES@; do
    # The kernel that modules are built for, if the archive still has it, else the newest of its series.
    chroot "$root" sh -c "cd /tmp && apt-get -q download ${choice%:*}" && continue
    real=$(chroot "$root" apt-cache depends "${choice#*:}" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    chroot "$root" sh -c "cd /tmp && apt-get -q download $real"
done
for deb in linux-image-*.deb; do
    dpkg-deb -x "$deb" "unpacked-${deb%.deb}"
    rm "$deb"
done
for tree in unpacked-* @FOREIGN@; do
    from=$(ls -d "$tree"/lib/modules/* "$tree"/usr/lib/modules/* 2>/dev/null | head -n 1)
    kver=$(basename "$from")
    to=$root/lib/modules/$kver
    mkdir -p "$to" "$root/boot"
    find "$tree" \( -name "vmlinuz-$kver" -o -path "*/modules/$kver/vmlinuz" \) -exec cp {} "$root/boot/vmlinuz-$kver" \;
    cp "$from"/modules.builtin "$from"/modules.builtin.modinfo "$from"/modules.order "$to/"
    for wanted in @MODULES@; do
        for found in "$from/$wanted" "$from/$wanted".xz "$from/$wanted".zst; do
            [ -e "$found" ] || continue
            mkdir -p "$to/$(dirname "$wanted")"
            cp -r "$found" "$to/$(dirname "$wanted")/"
        done
    done
    find "$to" -name '*.ko.xz' -exec xz -d {} +
    find "$to" -name '*.ko.zst' -exec zstd -q -d --rm {} +
    depmod -b "$root" "$kver"
done
rm -rf unpacked-*
mkdir -p "$root/usr/lib/drbd-genuine" "$root/usr/local/sbin"
for tool in drbdadm drbdsetup drbdmeta; do
    mv "$root/usr/sbin/$tool" "$root/usr/lib/drbd-genuine/$tool"
    ln -s "/usr/lib/drbd-genuine/$tool" "$root/usr/sbin/$tool"
done
# No udev in the nodes.
printf 'activation {\n udev_sync = 0\n udev_rules = 0\n}\ndevices {\n obtain_device_list_from_udev = 0\n}\nlog {\n' \
    > "$root/etc/lvm/lvm.conf"
printf ' level = 0\n}\nbackup {\n backup = 0\n archive = 0\n}\n' >> "$root/etc/lvm/lvm.conf"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/bash-completion
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/mnt"
cp -r "$root/lib/modules" "@OUT@/modules"
cp "$root"/boot/vmlinuz-* "@OUT@/"
rm -rf "$root/boot"
# A plain bind mount shows the root without the /proc and /dev that mmdebstrap mounted there meanwhile.
export root
unshare -m sh -ec '
    mount --bind "$root" /mnt
    size=$(( $(du -sm /mnt | cut -f 1) * 5 / 4 + 400 ))
    mke2fs -q -t ext4 -O ^metadata_csum -E lazy_itable_init=1,lazy_journal_init=1 -d /mnt "@OUT@/root.img" "${size}M"'
"""


def note(text):
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked():
    """Several runs may want the same images at once: one makes them."""
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, ".lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def apt_sources(suite=SUITE):
    """The lines of a sources.list for the suite, from where this machine gets its own Debian packages."""
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)",
                             "Created-By: Packages"], stdout=subprocess.PIPE, text=True, check=False).stdout
    lines = set()
    for line in listed.splitlines():
        origin, uri, codename, component = (line.split("|") + [""] * 4)[:4]
        if origin == "Debian" and component == "main" and codename.split("-")[0] == suite:
            lines.add("deb %s %s main" % (uri, codename))
    if lines:
        return sorted(lines)
    # Not this suite here, or no package lists yet: same places, named after the suite.
    text = ""
    updates, security = {"sid": ([], False)}.get(suite, ([suite + "-updates"], True))
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*")):
        with contextlib.suppress(OSError):
            text += open(path).read() + "\n"
    for uri in re.findall(r"(?:https?|file|copy)://?[^\s]*debian[^\s]*", text):
        uri = uri.rstrip("/")
        if uri.endswith("/debian"):
            lines.update("deb %s %s main" % (uri, name) for name in [suite] + updates)
        elif uri.endswith("/debian-security") and security:
            lines.add("deb %s %s-security main" % (uri, suite))
    return sorted(lines)


def kernel_packages():
    """For each series "wanted:instead": kernels of the version whose headers are here, as modules are built for those."""
    packages = {}
    for series, meta in KERNELS.items():
        found = [name[len("linux-headers-"):] for name in os.listdir("/usr/src")
                 if re.match(r"linux-headers-%s\.\d.*-cloud-amd64$" % re.escape(series), name)]
        found.sort(key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
        packages[series] = "%s:%s" % ("linux-image-" + found[-1] if found else meta, meta)
    return packages


def digest(*parts):
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def root_make():
    """Returns the directory with root.img, vmlinuz-* and modules/, made if need be."""
    packages = kernel_packages()
    script = (CUSTOMIZE.replace("@KERNEL_PACKAGES@", " ".join(packages[series] for series in sorted(packages)))
              .replace("@MODULES@", " ".join(MODULES))
              .replace("@FOREIGN@", " ".join(os.path.join(tree, "kernel") for tree in FOREIGN.values())))
    key = digest(SUITE, PACKAGES, EXCLUDED_PATHS, script, [foreign_version(suite) for suite in FOREIGN])
    final = os.path.join(CACHE, "root-" + key)
    if os.path.exists(os.path.join(final, "root.img")):
        return final
    sources = apt_sources()
    if not sources:
        sys.exit("image.py: apt on this machine knows no Debian archive to take packages from; "
                 "run apt-get update, or look at /etc/apt/sources.list*")
    started = time.time()
    note("Making the nodes' root file system (once, a minute or two)...")
    out = final + ".new"
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    hook = os.path.join(out, "customize")
    with open(hook, "w") as handle:
        handle.write("#!/bin/sh\n" + script.replace("@OUT@", out))
    os.chmod(hook, 0o755)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=null", "--include=" + ",".join(PACKAGES),
               "--aptopt=APT::Install-Recommends \"false\"", "--customize-hook=%s \"$1\"" % hook]
    command += ["--dpkgopt=path-exclude=" + path for path in EXCLUDED_PATHS]
    command += [SUITE, "/dev/null", "-"]
    with open(os.path.join(out, "log"), "w") as log:
        done = subprocess.run(command, input="\n".join(sources) + "\n", text=True, stdout=log,
                              stderr=subprocess.STDOUT, check=False)
    if done.returncode or not os.path.exists(os.path.join(out, "root.img")):
        note(open(os.path.join(out, "log")).read()[-4000:])
        sys.exit("image.py: mmdebstrap could not make the root file system (log above; status %d)" % done.returncode)
    os.rename(out, final)
    note("... made in %d s" % (time.time() - started))
    return final


def foreign_version(suite):
    return open(os.path.join(FOREIGN[suite], "version")).read().strip()


def kernel_version(root, series):
    if series in FOREIGN:
        return foreign_version(series)
    found = [name for name in os.listdir(os.path.join(root, "modules")) if name.startswith(series + ".")]
    return found[0]


def module_files(directory, names):
    """Paths, relative to the directory of modules, of the named modules and all they need, in order of loading."""
    paths, needs = {}, {}
    with open(os.path.join(directory, "modules.dep")) as handle:
        for line in handle:
            path, rest = line.strip().split(":")
            name = os.path.basename(path).split(".ko")[0].replace("-", "_")
            paths[name] = path
            needs[path] = rest.split()
    order = []
    for name in names:
        path = paths.get(name)
        if not path:
            continue		# built in
        for needed in list(reversed(needs[path])) + [path]:
            if needed not in order:
                order.append(needed)
    return order


def cpio(directory, target):
    names = subprocess.run(["find", ".", "-print0"], cwd=directory, stdout=subprocess.PIPE, check=True).stdout
    archive = subprocess.run(["cpio", "--quiet", "-0", "-o", "-H", "newc", "-R", "0:0"], cwd=directory, input=names,
                             stdout=subprocess.PIPE, check=True).stdout
    with open(target + ".new", "wb") as handle:
        subprocess.run(["gzip", "-1"], input=archive, stdout=handle, check=True)
    os.rename(target + ".new", target)


def initrd_make(root, series):
    sources = {name: open(os.path.join(HERE, "guest", name), "rb").read().decode()
               for name in ("agent.c", "load.c", "init", "initrd-init")}
    version = kernel_version(root, series)
    target = os.path.join(CACHE, "initrd-%s-%s.img" % (series, digest(root, version, INITRD_MODULES, sources)))
    if os.path.exists(target):
        return target
    tree = target + ".tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev", "proc", "root", "modules"):
        os.makedirs(os.path.join(tree, name))
    shutil.copy("/bin/busybox", os.path.join(tree, "bin", "busybox"))
    for program in ("agent", "load"):
        subprocess.run(["gcc", "-static", "-pthread", "-O2", "-Wall", "-Wextra", "-o", os.path.join(tree, program),
                        os.path.join(HERE, "guest", program + ".c")], check=True)
    shutil.copy(os.path.join(HERE, "guest", "init"), os.path.join(tree, "init-root"))
    shutil.copy(os.path.join(HERE, "guest", "initrd-init"), os.path.join(tree, "init"))
    directory = os.path.join(root, "modules", version)
    with open(os.path.join(tree, "modules", "order"), "w") as order:
        for path in module_files(directory, INITRD_MODULES):
            data = open(os.path.join(directory, path), "rb").read()
            name = os.path.basename(path)
            if name.endswith(".xz"):
                name, data = name[:-3], lzma.decompress(data)
            with open(os.path.join(tree, "modules", name), "wb") as handle:
                handle.write(data)
            order.write(name + "\n")
    cpio(tree, target)
    shutil.rmtree(tree)
    return target


class Images:
    """Paths of all that a node boots from; `version` gives what `uname -r` says there."""

    def __init__(self):
        with locked():
            directory = root_make()
            self.root = os.path.join(directory, "root.img")
            self.version = {series: kernel_version(directory, series) for series in [*KERNELS, *FOREIGN]}
            self.kernel = {series: os.path.join(directory, "vmlinuz-" + version)
                           for series, version in self.version.items()}
            self.initrd = {series: initrd_make(directory, series) for series in self.version}

    def accelerator(self):
        """"kvm" where a stock kernel really boots with it, which a present /dev/kvm does not promise, else "tcg"."""
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            return "tcg"
        boot = open("/proc/sys/kernel/random/boot_id").read().strip()
        verdict = os.path.join(CACHE, "accelerator-" + boot)
        with locked():
            if not os.path.exists(verdict):
                with open(verdict + ".new", "w") as handle:
                    handle.write("kvm" if self.probe_kvm() else "tcg")
                os.rename(verdict + ".new", verdict)
        return open(verdict).read()

    def probe_kvm(self):
        command = ["qemu-system-x86_64", "-M", "q35", "-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none",
                   "-no-reboot", "-nodefaults", "-serial", "stdio", "-kernel", self.kernel["6.1"],
                   "-initrd", self.initrd["6.1"], "-append", "console=ttyS0 panic=-1 bed.probe "]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=30, check=False)
        except subprocess.TimeoutExpired:
            return False
        return b"bed-probe-good" in done.stdout


def main():
    images = Images()
    print("root     %s" % images.root)
    for series in KERNELS:
        print("%-8s %s" % (series, images.version[series]))
    print("runs by  %s" % images.accelerator())


if __name__ == "__main__":
    main()
