#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Builds the module as the users of other Debian releases would, and boots it there: `make check-kernels`.

    suites.py [SUITE...]        bullseye, bookworm, trixie, sid if none is named

Each suite gets a root of its own under build/suites/<suite>/ with its compiler and kernel headers, made once; a change of
the module only costs the compilation. The kernel image of the suite is unpacked beside it; image.py puts its modules into
the nodes' root when BED_SUITES names the suite. Ends with a line "N passed, N failed", in which a build counts as one.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

import image

SUITES = ["bullseye", "bookworm", "trixie", "sid"]
HEADERS = "linux-headers-cloud-amd64"
SOURCES = ["Makefile", "Kbuild", "scripts", "drbd-kmod", "COPYING"]
# The way of a resource from its metadata to its removal, a resync, and a power cut: each touches much of the shell.
SHORT = ("test_first_sync_copies or test_writes_reach or test_only_what_was_written or test_power_cut_of_the_primary "
         "or test_discard_reaches or test_diskless_primary or test_verify_finds or test_file_system_moves "
         "or test_data_integrity or test_nothing_is_left_behind")

# In mmdebstrap with the new root as $1: the kernel of the headers' version, unpacked but not installed.
KERNEL = r"""
set -e
version=$(basename "$(ls -d "$1"/usr/src/linux-headers-*-cloud-amd64)" | sed s/^linux-headers-//)
echo "$version" >"$1/version"
mkdir -p "$1/kernel" "$1/tmp/debs"
cd "$1"
# Newer releases split image and modules off into packages of their own.
for part in $(chroot "$1" apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "linux-image-$version" | grep "^linux-" | grep -F -- "-$version" | grep -v headers); do
    chroot "$1" sh -c "cd /tmp/debs && apt-get -q download $part"
done
for deb in tmp/debs/*.deb; do dpkg-deb -x "$deb" kernel; done
rm -r tmp/debs
"""


def note(text):
    print("== " + text, flush=True)


def directory(suite):
    return os.path.join(image.CACHE, "..", "suites", suite)


def bootstrap(suite, final, packages, hook, release=None):
    """Makes a root of the release (the suite itself if none is named) with the packages, unless it is there."""
    if os.path.exists(os.path.join(final, "version")):
        return
    os.makedirs(os.path.dirname(final), exist_ok=True)
    script = final + ".hook"
    with open(script, "w") as handle:
        handle.write("#!/bin/sh\n" + hook)
    os.chmod(script, 0o755)
    release = release or suite
    # A mirror may lag behind: what it says of an unstable release is then past its date, not forged.
    command = ["mmdebstrap", "--quiet", "--variant=apt", "--include=" + ",".join(packages),
               "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Check-Valid-Until \"false\"",
               "--customize-hook=%s \"$1\"" % shlex.quote(script), release, final + ".new", "-"]
    log = final + ".log"
    every = image.apt_sources(release)
    # For the same reason updates may be listed that are gone; the release itself stays.
    for sources in (every, [line for line in every if " %s main" % release in line]):
        shutil.rmtree(final + ".new", ignore_errors=True)
        with open(log, "w") as handle:
            done = subprocess.run(command, input="\n".join(sources) + "\n", text=True, stdout=handle,
                                  stderr=subprocess.STDOUT, check=False)
        if done.returncode == 0:
            break
    if done.returncode:
        print(open(log).read()[-3000:])
        sys.exit("%s: mmdebstrap could not make a root of %s (log above, %s)" % (
            os.path.basename(sys.argv[0]), suite, log))
    shutil.rmtree(final, ignore_errors=True)
    os.rename(final + ".new", final)


def root_make(suite):
    """Makes the root with the suite's compiler and headers unless it is there; returns its directory."""
    final = os.path.realpath(directory(suite))
    note("%s: a root with its compiler and kernel headers (made once)" % suite)
    bootstrap(suite, final, ["make", "gcc", "libc6-dev", "kmod", "libelf1", HEADERS], KERNEL)
    return final


def module_build(suite, root):
    """Compiles in the suite's root. True: there is a module, and the compiler had nothing to say about our sources."""
    version = open(os.path.join(root, "version")).read().strip()
    source = os.path.join(root, "src")
    os.makedirs(source, exist_ok=True)
    for name in SOURCES:        # times are kept, so that only what changed is compiled again
        subprocess.run(["cp", "-rup", os.path.join(image.TOP, name), source], check=True)
    log = os.path.realpath(directory(suite)) + ".build"
    inside = "mount -t proc proc %s/proc && exec chroot %s make -s -C /src -j%d modules KDIR=/usr/src/linux-headers-%s" % (
        shlex.quote(root), shlex.quote(root), os.cpu_count() or 1, version)
    with open(log, "w") as handle:
        done = subprocess.run(["unshare", "-m", "sh", "-c", inside], stdout=handle, stderr=subprocess.STDOUT, check=False)
    said = [line for line in open(log) if re.search(r"drbd-kmod/.*(warning|error):", line)]
    if done.returncode or said:
        print("".join(said[:40]) or open(log).read()[-3000:])
        return False
    target = os.path.join(image.TOP, "build", "modules", version)
    os.makedirs(target, exist_ok=True)
    shutil.copy2(os.path.join(source, "drbd.ko"), os.path.join(target, "drbd.ko"))
    return True


def boot(suite):
    """Runs the short course on two nodes with the suite's kernel: (passed, failed)."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", os.path.relpath(image.HERE, image.TOP), "--kernels", suite,
               "--pairing", "oo", "-k", SHORT]
    done = subprocess.run(command, cwd=image.TOP, env=dict(os.environ, BED_SUITES=suite), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout[-400:])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    if done.returncode and not failed:
        failed = 1
    if failed:
        print(done.stdout[-6000:])
    return counts.get("passed", 0), failed


def main(suites):
    passed = failed = 0
    for suite in suites:
        root = root_make(suite)
        version = open(os.path.join(root, "version")).read().strip()
        built = module_build(suite, root)
        passed, failed = passed + built, failed + (not built)
        note("%s: kernel %s, %s" % (suite, version, "built without a warning" if built else "NOT built"))
        if built:
            good, bad = boot(suite)
            passed, failed = passed + good, failed + bad
            note("%s: booted, %d tests passed, %d failed" % (suite, good, bad))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or SUITES))
