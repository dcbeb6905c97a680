#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Prove that the tests can fail: plant one fault at a time in the core and look who notices.

A fault ("mutant") is an anchored replacement in drbd-kmod/core, described in *.mutants here.
Only what depends on the changed file is compiled again, without sanitizers. The unit tests
run first, then the simulator's corpus and some seeds, up to the first failure. A mutant that
nobody notices, that does not compile or whose anchor is gone is a failure.
"""
import argparse
import collections
import concurrent.futures
import fcntl
import fnmatch
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
OUT = TOP / "build" / "mutants"
# A run takes a while, and works on the sources as they are when it begins.
TREE = OUT / "tree"
CORE, UNIT, SIM = TREE / "core", TREE / "unit", TREE / "sim"
ORIGINALS = {CORE: TOP / "drbd-kmod" / "core", UNIT: TOP / "tests" / "unit",
             SIM: TOP / "tests" / "sim"}
CC = shlex.split(os.environ.get("CC", "ccache gcc" if shutil.which("ccache") else "gcc"))
os.environ.pop("CCACHE_BASEDIR", None)     # dependencies would name files by other paths than here
CFLAGS = ["-std=gnu11", "-O1", "-w", "-MMD", f'-DVECTORS="{TOP}/tests/vectors"']
LIBS = ["-lcmocka", "-lz"]
PATIENCE = 10          # seconds that a unit test may take beyond ten times its usual time


class Broken(Exception):
    """The mutant itself is no good."""


# ---- what is to be planted

class Hunk:
    def __init__(self, name, function):
        self.file, self.function = name, function
        self.old, self.new = [], []

    def apply(self, text):
        lines = text.split("\n")
        first, last = self.scope(lines)
        old = [line.strip() for line in self.old]
        at = [i for i in range(first, last - len(old) + 1)
              if [line.strip() for line in lines[i:i + len(old)]] == old]
        if len(at) != 1:
            raise Broken(f"{self.file}: {len(at)} places instead of one look like: {old[0]}")
        lines[at[0]:at[0] + len(old)] = self.new
        return "\n".join(lines)

    def scope(self, lines):
        if not self.function:
            return 0, len(lines)
        head = re.compile(r"^\w.*\b" + re.escape(self.function) + r"\(")
        for i, line in enumerate(lines):
            if head.match(line) and not line.rstrip().endswith(";"):
                for end in range(i, len(lines)):
                    if lines[end].startswith("}"):
                        return i, end + 1
        raise Broken(f"{self.file}: no function {self.function}()")


class Mutant:
    def __init__(self, name, group):
        self.name, self.group, self.why, self.hunks = name, group, "", []

    def changed(self, core):
        """{file: new text}; raises Broken."""
        texts = {}
        for hunk in self.hunks:
            path = core / hunk.file
            if not path.exists():
                raise Broken(f"no file {hunk.file}")
            texts[hunk.file] = hunk.apply(texts.get(hunk.file) or path.read_text())
        for name, text in texts.items():
            if text == (core / name).read_text():
                raise Broken(f"{name}: changes nothing")
        return texts


def read_mutants(path):
    mutants, mutant, hunk = [], None, None
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if line.startswith("== "):
            mutant, hunk = Mutant(line[3:].strip(), path.stem), None
            mutants.append(mutant)
        elif line.startswith("@ "):
            name, _, function = line[2:].strip().partition(" ")
            hunk = Hunk(name, function.strip())
            mutant.hunks.append(hunk)
        elif hunk and line.startswith("-"):
            hunk.old.append(line[1:])
        elif hunk and line.startswith("+"):
            hunk.new.append(line[1:])
        elif mutant and not hunk:
            mutant.why = (mutant.why + " " + line.strip()).strip()
        elif line.strip() and not line.startswith("#"):
            sys.exit(f"{path}:{number}: not understood: {line}")
    return mutants


# ---- building

def snapshot():
    """What has changed only, so that what was built of the rest stays good."""
    for copy, original in ORIGINALS.items():
        copy.mkdir(parents=True, exist_ok=True)
        files = {path.name: path for path in original.iterdir() if path.is_file()}
        for path in copy.iterdir():
            if path.name not in files:
                path.unlink()
        for name, path in files.items():
            copied = copy / name
            if not copied.exists() or copied.read_bytes() != path.read_bytes():
                shutil.copy(path, copied)


def compile_one(source, obj, include):
    obj.parent.mkdir(parents=True, exist_ok=True)
    command = [*CC, *CFLAGS, *(f"-I{d}" for d in include), "-c", str(source), "-o", str(obj)]
    done = subprocess.run(command, cwd=OUT, capture_output=True, text=True)
    if done.returncode:
        obj.unlink(missing_ok=True)
        raise Broken("does not compile: " + done.stderr.strip().split("\n")[0])


def depends_on(obj):
    """The names of the core's files that an object was made of."""
    text = obj.with_suffix(".d").read_text().replace("\\\n", " ")
    # A compiler cache may have made them relative to where it ran.
    return [(OUT / p).resolve() for p in text.partition(":")[2].split()]


def is_stale(obj):
    if not obj.exists() or not obj.with_suffix(".d").exists():
        return True
    made = obj.stat().st_mtime
    return any(not p.exists() or p.stat().st_mtime > made for p in depends_on(obj))


class Base:
    """The objects of the unchanged tree, which mutants borrow."""

    def __init__(self, jobs, with_sim):
        self.jobs = jobs
        self.sources = {}               # object name -> (source, extra include directories)
        for path in sorted(CORE.glob("*.c")):
            self.sources[f"core/{path.stem}.o"] = (path, [])
        for path in sorted(UNIT.glob("*.c")):
            self.sources[f"unit/{path.stem}.o"] = (path, [UNIT])
        for path in sorted(SIM.glob("*.c")) if with_sim else []:
            self.sources[f"sim/{path.stem}.o"] = (path, [SIM])
        self.dir = OUT / "base"
        self.members, self.usual = {}, {}
        self.libraries = ["-Wl,--start-group", str(self.dir / "libfake.a"),
                          str(self.dir / "libcore.a"), "-Wl,--end-group", *LIBS]

    def objects(self, folder):
        return [name for name in self.sources if name.startswith(folder + "/")]

    def tests(self):
        return [pathlib.Path(name).stem for name in self.sources if name.startswith("unit/test_")]

    def build(self):
        def make(item):
            name, (source, extra) = item
            if is_stale(self.dir / name):
                compile_one(source, self.dir / name, [TREE, CORE, *extra])
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(make, self.sources.items()))
        self.uses = {name: {p.name for p in depends_on(self.dir / name) if CORE in p.parents}
                     for name in self.sources}
        self.archive("libcore.a", self.objects("core"))
        self.archive("libfake.a", [n for n in self.objects("unit") if "/test_" not in n])

    def archive(self, name, members):
        (self.dir / name).unlink(missing_ok=True)
        subprocess.run(["ar", "rcsT", name, *members], cwd=self.dir, check=True)

    def look_at(self, plot, test):
        """Which objects does a test consist of?"""
        self.members[test] = {f"unit/{test}.o"}
        used = plot.link(plot.dir / test, self.members[test], "-Wl,--trace", *self.libraries)
        self.members[test] |= {name for name in self.sources if f"/{name}" in used}


class Plot:
    """A place where one mutant after the other is built and tried, no more of it than needed."""

    def __init__(self, base, number):
        self.base = base
        self.dir = OUT / f"plot{number}"
        self.touched, self.built = set(), set()
        shutil.rmtree(self.dir, ignore_errors=True)
        (self.dir / "core").mkdir(parents=True)
        self.plant({})

    def plant(self, texts):
        """All other sources are links, so that includes find what is changed beside them."""
        for path in CORE.iterdir():
            link = self.dir / "core" / path.name
            link.unlink(missing_ok=True)
            if path.name in texts:
                link.write_text(texts[path.name])
            else:
                link.symlink_to(path)
        self.touched = {name for name, used in self.base.uses.items() if used & texts.keys()}
        self.built = set()

    def object(self, name):
        if name not in self.touched:
            return self.base.dir / name
        obj = self.dir / "built" / name
        if name not in self.built:
            source, extra = self.base.sources[name]
            if name.startswith("core/"):
                source = self.dir / "core" / source.name
            compile_one(source, obj, [self.dir, self.dir / "core", *extra])
            self.built.add(name)
        return obj

    def link(self, program, objects, *more):
        command = [*CC, "-o", str(program), *(str(self.object(name)) for name in objects), *more]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Broken("does not link: " + done.stderr.strip().split("\n")[0])
        return done.stdout

    def link_test(self, test):
        """What it uses; the libraries are for what a mutant makes it use besides."""
        program = self.dir / test
        self.link(program, sorted(self.base.members[test]), *self.base.libraries)
        return program

    def link_sim(self):
        program = self.dir / "sim"
        self.link(program, self.base.objects("sim") + self.base.objects("core"))
        return program


# ---- trying

def run_test(program, limit):
    """None, or what failed."""
    try:
        done = subprocess.run([str(program)], cwd=UNIT, capture_output=True, text=True,
                              errors="replace", timeout=limit)
    except subprocess.TimeoutExpired:
        return f"{program.name}: never ends"
    if done.returncode == 0:
        return None
    failed = re.findall(r"\[  FAILED  \] (\w+)", done.stdout + done.stderr)
    if failed:
        return f"{program.name}: {failed[0]}"
    started = re.findall(r"\[ RUN      \] (\w+)", done.stdout + done.stderr)
    return f"{program.name}: {started[-1] if started else ''} (died, {done.returncode})"


def run_sim(program, arguments):
    """None, or the first seed that failed."""
    sim = subprocess.Popen([str(program), *arguments], cwd=SIM, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors="replace",
                           start_new_session=True)
    reason = ""
    try:
        for line in sim.stdout:
            if line.startswith("FAILED seed"):
                return f"simulator: {reason or line.strip()}"
            if line.startswith("seed ") and not reason:
                reason = line.strip()[:90]
        return None if sim.wait() == 0 else "simulator: died"
    finally:
        if sim.poll() is None:
            os.killpg(sim.pid, signal.SIGKILL)
        sim.wait()
        sim.stdout.close()


class Runner:
    def __init__(self, args):
        self.args = args
        self.base = Base(args.jobs, args.seeds > 0)
        self.plots, self.lock = [], threading.Lock()
        self.sim_lock, self.sim_is_clean = threading.Lock(), False
        self.memory = OUT / "noticed.json"
        # Who noticed a mutant the last time; and in this run, a fault in a file how often.
        self.noticed = json.loads(self.memory.read_text()) if self.memory.exists() else {}
        self.often = collections.Counter()

    def prepare(self):
        """Everything built, and nothing fails as it is: else a failure would say nothing."""
        self.base.build()
        self.plots = [Plot(self.base, n) for n in range(self.args.jobs)]
        self.tests = self.base.tests()
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            for test, failed in zip(self.tests, pool.map(self.try_unchanged, self.tests)):
                if failed:
                    sys.exit(f"mutants: a test fails without any mutant: {failed}")

    def try_unchanged(self, test):
        plot = self.plots[0]
        self.base.look_at(plot, test)
        program = plot.link_test(test)
        begin = time.monotonic()
        failed = run_test(program, 600)
        self.base.usual[test] = time.monotonic() - begin
        program.unlink()
        return failed

    def check_sim(self, plot):
        """The simulator as it is, once a mutant comes that far."""
        with self.sim_lock:
            if self.sim_is_clean:
                return
            plot.plant({})
            failed = run_sim(plot.link_sim(), self.sim_arguments())
            if failed:
                raise Broken(f"the simulator fails without any mutant: {failed}")
            self.sim_is_clean = True

    def sim_arguments(self):
        return ["--corpus", "corpus", "--seed", "1", "--seeds", str(self.args.seeds)]

    def concerned(self, plot, mutant):
        """The tests that link something touched, likely and quick ones first."""
        files = {hunk.file for hunk in mutant.hunks}
        subjects = {pathlib.Path(name).stem for name in files}
        tests = [t for t in self.tests if self.base.members[t] & plot.touched]
        return sorted(tests, key=lambda t: (
            t != self.noticed.get(mutant.name), t[5:] not in subjects,
            -sum(self.often[file, t] for file in files), self.base.usual[t]))

    def killer(self, plot, mutant):
        texts = mutant.changed(CORE)
        plot.plant(texts)
        for test in self.concerned(plot, mutant) if self.args.unit else []:
            program = plot.link_test(test)
            failed = run_test(program, PATIENCE + 10 * self.base.usual[test])
            program.unlink()
            if failed:
                self.noticed[mutant.name] = test
                self.often.update((hunk.file, test) for hunk in mutant.hunks)
                return failed
        if not self.args.seeds:
            return None
        self.check_sim(plot)
        plot.plant(texts)
        return run_sim(plot.link_sim(), self.sim_arguments())

    def try_one(self, mutant):
        with self.lock:
            plot = self.plots.pop()
        begin = time.monotonic()
        try:
            killer, verdict = self.killer(plot, mutant), None
            verdict = "killed" if killer else "SURVIVED"
        except Broken as broken:
            killer, verdict = str(broken), "BROKEN"
        with self.lock:
            self.plots.append(plot)
            print(f"{mutant.name:<44} {verdict:<8} {time.monotonic() - begin:6.1f} s  "
                  f"{killer or mutant.why}", flush=True)
        return verdict

    def run(self, mutants):
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            verdicts = list(pool.map(self.try_one, mutants))
        self.memory.write_text(json.dumps(self.noticed, indent=0, sort_keys=True))
        return verdicts


def check_only(mutants):
    bad = 0
    for mutant in mutants:
        try:
            mutant.changed(ORIGINALS[CORE])
        except Broken as broken:
            bad += 1
            print(f"{mutant.name}: {broken}")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="only these (shell patterns; a group is a file's name)")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=200,
                        help="of the simulator, after its corpus; 0: unit tests only")
    parser.add_argument("--no-unit", dest="unit", action="store_false",
                        help="how many does the simulator notice by itself?")
    parser.add_argument("--list", action="store_true", help="say what there is and why")
    parser.add_argument("--applies", action="store_true", help="only see whether all anchors are there")
    args = parser.parse_args()
    mutants = [m for path in sorted(HERE.glob("*.mutants")) for m in read_mutants(path)]
    names = [m.name for m in mutants]
    for name in {n for n in names if names.count(n) > 1}:
        sys.exit(f"mutants: two are called {name}")
    if args.names:
        mutants = [m for m in mutants if any(fnmatch.fnmatch(m.name, p) or m.group == p
                                             for p in args.names)]
    if args.list:
        for mutant in mutants:
            print(f"{mutant.group:<12} {mutant.name:<44} {mutant.why}")
        return 0
    if args.applies:
        bad = check_only(mutants)
        print(f"{len(mutants) - bad} passed, {bad} failed")
        return bad != 0
    OUT.mkdir(parents=True, exist_ok=True)
    lock = open(OUT / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("mutants: another run is under way in this tree; wait for its end")
    begin = time.monotonic()
    snapshot()
    runner = Runner(args)
    runner.prepare()
    verdicts = runner.run(mutants)
    killed = verdicts.count("killed")
    if mutants:
        print(f"{killed} of {len(mutants)} mutants noticed ({100 * killed // len(mutants)} %) "
              f"in {(time.monotonic() - begin) / 60:.0f} minutes")
    print(f"{killed} passed, {len(mutants) - killed} failed")
    return killed != len(mutants)


if __name__ == "__main__":
    sys.exit(main())
