#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the VM suite on a kernel that looks for faults itself: `make check-debug`.

    debug_kernel.py [PYTEST WORDS...]      tests/vm with these words, else ours on both ends

The kernel is built once from the distribution's source package with debug.config (KASAN, lockdep, kmemleak, fault
injection), in a root of its own, build/suites/debug, so that the bed takes it for the kernel of a release called "debug".
Every test fails on what such a kernel says on its console; what has leaked is asked of kmemleak when all are done.
"""

import os
import shlex
import subprocess
import sys

import image
import suites

NAME = "debug"
RELEASE = "bookworm"
PACKAGES = ["make", "gcc", "libc6-dev", "kmod", "flex", "bison", "bc", "libelf-dev", "libssl-dev", "cpio", "xz-utils",
            "perl-base", "linux-source-6.1"]
CONFIG = os.path.join(image.HERE, "debug.config")
# Emulated, and each access to memory looked at: as many times slower than emulation alone.
SLOWER = "4"

UNPACK = r"""
set -e
mkdir "$1/kernel" "$1/tree"
tar -C "$1/tree" --strip-components=1 -xf "$1"/usr/src/linux-source-6.1.tar.xz
rm "$1"/usr/src/linux-source-6.1.tar.xz
touch "$1/version"
"""

BUILD = r"""
set -e
cd /tree
make -s KCONFIG_ALLCONFIG=/debug.config allnoconfig
grep ^CONFIG_ /debug.config | while read -r line; do
    grep -qxF -- "$line" .config || echo "not taken: $line"
done
make -s -j@JOBS@ bzImage modules
version=$(make -s kernelrelease)
rm -rf /kernel/*
mkdir -p /kernel/boot /usr/src
make -s INSTALL_MOD_PATH=/kernel modules_install
cp arch/x86/boot/bzImage /kernel/boot/vmlinuz-$version
ln -sfn /tree /usr/src/linux-headers-$version
echo $version >/version
cp /debug.config /built.config
"""


def kernel_make():
    """Builds the kernel unless there is one with this very configuration; returns the directory of its root."""
    root = os.path.realpath(suites.directory(NAME))
    suites.note("debug: a root with a compiler and the kernel's source (made once)")
    suites.bootstrap(NAME, root, PACKAGES, UNPACK, RELEASE)
    wanted = open(CONFIG).read()
    built = os.path.join(root, "built.config")
    if os.path.exists(built) and open(built).read() == wanted:
        return root
    suites.note("debug: building the kernel (once; some twenty minutes on two cores)")
    with open(os.path.join(root, "debug.config"), "w") as handle:
        handle.write(wanted)
    inside = "mount -t proc proc %s/proc && exec chroot %s sh -c %s" % (
        shlex.quote(root), shlex.quote(root), shlex.quote(BUILD.replace("@JOBS@", str(os.cpu_count() or 1))))
    log = root + ".kernel.log"
    with open(log, "w") as handle:
        done = subprocess.run(["unshare", "-m", "sh", "-c", inside], stdout=handle, stderr=subprocess.STDOUT, check=False)
    said = open(log).read()
    if done.returncode or "not taken: " in said:
        print(said[-4000:])
        sys.exit("debug_kernel.py: the kernel could not be built as debug.config says (log above, %s)" % log)
    return root


def main(words):
    root = kernel_make()
    if not suites.module_build(NAME, root):
        sys.exit("debug_kernel.py: the module does not build for it")
    command = ["/usr/bin/python3", "-m", "pytest", "-q", os.path.relpath(image.HERE, image.TOP), "--kernels", NAME,
               *(words or ["--pairing", "oo"])]
    return subprocess.run(command, cwd=image.TOP, check=False,
                          env=dict(os.environ, BED_SUITES=NAME, BED_SLOWER=SLOWER, BED_MEMORY="1024M")).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
