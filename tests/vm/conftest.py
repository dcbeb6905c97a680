# SPDX-License-Identifier: GPL-2.0
"""
Two nodes, kept up for the whole run and cleaned before each test.

A test takes `lab`: the nodes with the modules and tools of one pairing. A pairing is named by letters, g for the
distribution's (genuine) and o for ours: modules of n1 and n2, then, if they differ from those, tools of n1 and n2.
`--pairing gg,oo,og,go,oogg` chooses; by itself every test runs with ours on both ends as soon as that is built,
those marked `core` also with a genuine peer on either side. With `--long` all marked `mixed` do that, and our module
is driven by the genuine tools, and the genuine one by ours, too.
"""

import functools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bed  # noqa: E402
import drbd  # noqa: E402
import image  # noqa: E402
import node as node_module  # noqa: E402

LETTERS = {"g": "genuine", "o": "ours"}
LOGS = os.path.join(image.CACHE, "logs")


def pytest_addoption(parser):
    parser.addoption("--pairing", default="auto", help="comma-separated pairings, see tests/vm/conftest.py")
    parser.addoption("--kernels", default="6.1", help="kernel of both nodes, or of n1,n2: 6.1, 6.12, a suite")
    parser.addoption("--long", action="store_true", help="everything, in every pairing")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes too long for every change; needs --long")
    config.addinivalue_line("markers", "volatile: disks lose with the power what they had not flushed")
    config.addinivalue_line("markers", "debug: needs the kernel of make check-debug")
    config.addinivalue_line("markers", "mixed: holds with a genuine peer on either side; tried with --long")
    config.addinivalue_line("markers", "core: tried with a genuine peer for every change; also needs `mixed`")
    config.addinivalue_line("markers", "genuine_only: proves the bed, with the distribution's module on both ends")


def kernels(config):
    words = config.getoption("--kernels").split(",")
    return words[0], words[-1]


@functools.lru_cache
def images():
    return image.Images()


@functools.lru_cache
def ours_built(config):
    """(module, tools) under test are there."""
    versions = [images().version[series] for series in kernels(config)]
    return (all(node_module.module_path(version) for version in versions),
            all(os.path.exists(path) for path in node_module.TOOLS.values()))


def pairings(config, marks):
    asked = config.getoption("--pairing")
    if "genuine_only" in marks:
        return ["gg"]
    if asked != "auto":
        return asked.split(",")
    module, tools = ours_built(config)
    if not module:
        return ["gg"]
    names = ["oo"]
    if "mixed" in marks:
        names += ["og", "go"]
        if config.getoption("--long"):
            names += ["oogg", "ggoo"]
    return names if tools else sorted({name[:2] + "gg" for name in names})


def pytest_generate_tests(metafunc):
    if "lab" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        metafunc.parametrize("pairing", pairings(metafunc.config, marks), scope="function")


def pytest_collection_modifyitems(config, items):
    debug = config.getoption("--kernels") == "debug"

    def wanted(item):
        if "debug" in item.keywords and not debug:
            return False
        if config.getoption("--long"):
            return True
        if "long" in item.keywords:
            return False
        pairing = item.callspec.params.get("pairing", "") if hasattr(item, "callspec") else ""
        return (config.getoption("--pairing") != "auto" or pairing[:2] in ("", "oo", "gg")
                or item.get_closest_marker("core") is not None)

    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = [item for item in items if wanted(item)]


class Lab:
    """The two nodes as one test has them."""

    def __init__(self, the_bed, pairing, long):
        self.bed, self.pairing, self.long = the_bed, pairing, long
        self.nodes = the_bed.nodes
        self.n1, self.n2 = self.nodes
        self.slow = self.n1.slow
        letters = pairing if len(pairing) == 4 else pairing * 2
        for each, module, tools in zip(self.nodes, letters[:2], letters[2:]):
            each.choose(LETTERS[module], LETTERS[tools])
            each.load()

    def resource(self, **settings):
        return drbd.Resource(self, **settings)

    def other(self, node):
        return self.n2 if node is self.n1 else self.n1

    def alarms(self):
        found = []
        for each in self.nodes:
            found += ["%s: %s" % (each.name, line) for line in each.alarms()]
            if each.module == "ours":
                found += ["%s: %s" % (each.name, line) for line in each.log().splitlines() if "ASSERT" in line]
        return found

    def save_logs(self, name):
        """What the consoles of this test said, shortened for a report; in full in files."""
        os.makedirs(LOGS, exist_ok=True)
        shown = []
        for each in self.nodes:
            path = os.path.join(LOGS, "%s.%s.log" % (name.replace("/", "_"), each.name))
            text = each.log()
            # A node that had to be started anew has said nothing since; what it said before is worth more.
            if not text and os.path.exists(path):
                text = open(path).read()
            with open(path, "w") as handle:
                handle.write(text)
            shown.append(("console of %s (whole in %s)" % (each.name, os.path.relpath(path, image.TOP)),
                          "\n".join(text.splitlines()[-60:])))
        return shown


@pytest.fixture(scope="session")
def the_bed(request):
    made = bed.Bed("pytest-%d" % os.getpid())
    try:
        made.start(kernels=kernels(request.config))
        made.is_calm = True
        yield made
        leaks = made.leaks()
        assert not leaks, "memory that nothing refers to any more:\n" + "\n".join(leaks)[:6000]
    finally:
        made.stop()
        made.remove()


@pytest.fixture
def lab(the_bed, pairing, request):
    the_bed.reset(kernels(request.config), calm=the_bed.is_calm,
                  volatile=request.node.get_closest_marker("volatile") is not None)
    the_bed.is_calm = False
    the_bed.mark()
    made = Lab(the_bed, pairing, request.config.getoption("--long"))
    yield made
    stuck = [each.name for each in made.nodes if each.alive() and not the_bed.calm(each)]
    made.save_logs(request.node.name)
    alarms = made.alarms()
    the_bed.is_calm = not stuck
    assert not stuck, "could not be brought to let go of everything after the test: %s" % ", ".join(stuck)
    if not getattr(request.node, "alarmed", False):
        assert not alarms, "alarms on the console while taking down:\n" + "\n".join(alarms[:20])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("lab")
    if made is None or call.when not in ("call", "teardown"):
        return
    alarms = made.alarms() if call.when == "call" else []
    if alarms:
        item.alarmed = True
        text = "alarms on the console:\n" + "\n".join(alarms[:20])
        if report.passed:
            report.outcome = "failed"
            report.longrepr = text
        else:
            report.sections.append(("alarms", text))
    if report.failed:
        report.sections.extend(made.save_logs(item.name))
