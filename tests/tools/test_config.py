# SPDX-License-Identifier: GPL-2.0
"""The configuration language against what the genuine tool accepted, dumped and called."""
import glob
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest

from drbdadm_env import VECTORS, build, drbdadm, needs_namespaces

pytestmark = needs_namespaces


@pytest.fixture(scope="session", autouse=True)
def program():
    build()


def manifest():
    with open(os.path.join(VECTORS, "MANIFEST.tsv"), encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines][1:]
    return [(name, int(dump), int(up)) for name, dump, up, *_ in rows]


def vector(name, suffix):
    """The genuine text, as it would look where we run; None if there is none."""
    try:
        with open(os.path.join(VECTORS, name + suffix), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    return text.replace("/etc/drbd.d", VECTORS).replace("drbdsetup-84", "drbdsetup")


def host_of(name):
    return "vmcluster1" if name.startswith("01-") else "h1"


def ids(rows):
    return [row[0] for row in rows]


def test_every_vector_is_in_the_manifest():
    files = {os.path.basename(f)[:-4] for f in glob.glob(os.path.join(VECTORS, "*.res"))}
    assert files == {row[0] for row in manifest()}
    assert len(files) > 90


@pytest.mark.parametrize("name,code,_up", manifest(), ids=ids(manifest()))
def test_dump_is_the_genuine_one(name, code, _up):
    result = drbdadm("-c", name + ".res", "dump", host=host_of(name))
    assert result.returncode == code, result.stderr
    if code == 0:
        # unlike the genuine one, a name that is a keyword is quoted, so that it can be read back
        assert result.stdout.replace('resource "disk"', "resource disk") == vector(name, ".dump")
    else:
        assert result.stderr


@pytest.mark.parametrize("name,_dump,code", manifest(), ids=ids(manifest()))
def test_up_makes_the_genuine_calls(name, _dump, code):
    result = drbdadm("-c", name + ".res", "-d", "up", "all", host=host_of(name))
    assert result.returncode == code, result.stderr
    if code == 0:
        assert result.stdout == vector(name, ".dry")


REJECTED = [row[0] for row in manifest() if row[1] == 10]


def first_position(text):
    found = re.search(r"^(\S+?:\d+):", text, re.MULTILINE)
    return found.group(1) if found else None


@pytest.mark.parametrize("name", REJECTED)
def test_a_rejection_names_the_genuine_file_and_line(name):
    expected = first_position(vector(name, ".err"))
    result = drbdadm("-c", name + ".res", "dump", host=host_of(name))
    assert first_position(result.stderr), result.stderr
    # of a volume defined twice the genuine tool only notices a consequence, lines later
    if expected and name != "68-same-volume-twice":
        assert expected in result.stderr


@pytest.mark.parametrize("name", [row[0] for row in manifest() if row[1] == 0])
def test_a_dump_fed_back_gives_the_same_dump(name, tmp_path):
    first = drbdadm("-c", name + ".res", "dump", host=host_of(name))
    (tmp_path / "again.res").write_text(first.stdout)
    again = drbdadm("-c", "again.res", "dump", host=host_of(name), cwd=tmp_path)
    assert again.returncode == 0, again.stderr

    def meaning(text):
        return [line for line in text.splitlines() if not line.startswith("#")]

    assert meaning(again.stdout) == meaning(first.stdout)


def test_hosts_as_drbdsetup_shows_them_are_dumped_as_such(tmp_path):
    text = "resource r0 {\n    _remote_host {\n        meta-disk internal;\n    }\n}\n"
    (tmp_path / "r0.res").write_text(text)
    dump = drbdadm("-c", "r0.res", "dump", host="alpha", cwd=tmp_path)
    assert dump.returncode == 0, dump.stderr
    assert "\n    _remote_host {\n" in dump.stdout and "    on " not in dump.stdout


@pytest.mark.parametrize("name", ["04-explicit-vol", "11-quoting", "12-meta-disk", "19-stacked",
                                  "23-proxy"])
def test_xml_dump_is_well_formed_and_complete(name):
    result = drbdadm("-c", name + ".res", "-d", "dump-xml")
    root = ElementTree.fromstring(result.stdout)
    assert root.tag == "config" and root.get("file").endswith(name + ".res")
    with open(os.path.join(VECTORS, name + ".res"), encoding="utf-8") as source:
        text = source.read()
    assert len(root.findall("resource")) == len(re.findall(r"^resource", text, re.MULTILINE))
    assert all(volume.find("device").get("minor").isdigit() for volume in root.iter("volume"))


def check(tmp_path, text, *args, stdin=None):
    (tmp_path / "x.res").write_text(text)
    return drbdadm("-c", "x.res", *(args or ("dump",)), cwd=tmp_path, stdin=stdin)


HOSTS = """
 on h1 { device minor 0; disk /dev/a; meta-disk internal; address 10.1.1.1:7000; }
 on h2 { device minor 0; disk /dev/a; meta-disk internal; address 10.1.1.2:7000; }
"""


@pytest.mark.parametrize("text,wanted", [
    ("net { tiemout 5; }", "did you mean 'timeout'"),
    ("options { quorum majority; }", "DRBD 9"),
    ("net { cram-hmac-alg net; }", "double quotes"),
    ("net { timeout 12x; }", "x.res:1: timeout: '12x' is not a valid number"),
    ("net { protocol X; }", "should be one of A,B,C"),
    ("net { timeout 601; }", "out of range [1..600]"),
])
def test_errors_say_what_would_be_right(tmp_path, text, wanted):
    result = check(tmp_path, "resource r0 { " + text + HOSTS + "}")
    assert result.returncode in (10, 20)
    assert wanted in result.stderr


def test_all_range_errors_are_reported_in_one_run(tmp_path):
    result = check(tmp_path, "resource r0 {\n net { timeout 0;\n ping-int 999;\n }\n" + HOSTS + "}")
    assert result.returncode == 10
    assert "x.res:2: timeout" in result.stderr and "x.res:3: ping-int" in result.stderr


def test_a_file_including_itself_is_read_once(tmp_path):
    result = check(tmp_path, 'include "x.res";\ninclude "*.res";\nresource r0 {' + HOSTS + "}")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\nresource r0 {") == 1


def test_hundreds_of_included_files_are_read_in_order(tmp_path):
    for i in range(300):
        (tmp_path / f"r{i:03}.inc").write_text(
            f"resource r{i:03} {{ on h2 {{ device minor {i}; disk /dev/d{i}; meta-disk internal;"
            f" address 10.2.2.2:{7000 + i}; }} }}\n")
    result = check(tmp_path, 'include "*.inc";\n')
    assert result.returncode == 0, result.stderr
    names = re.findall(r"^resource (\S+) \{", result.stdout, re.MULTILINE)
    assert names == [f"r{i:03}" for i in range(300)]


def test_a_section_ended_by_its_included_file_does_not_leak_into_the_next(tmp_path):
    (tmp_path / "a.inc").write_text("resource a {" + HOSTS)
    result = check(tmp_path, 'include "a.inc";\nglobal { usage-count no; }\n')
    assert result.returncode == 0, result.stderr


def test_configuration_from_standard_input(tmp_path):
    result = drbdadm("-c", "-", "dump", cwd=tmp_path, stdin="resource r0 {" + HOSTS + "}")
    assert result.returncode == 0, result.stderr
    assert "resource r0 {" in result.stdout


def test_resource_level_name_is_not_taken_for_another_minor(tmp_path):
    text = "resource r0 { device /dev/drbd1;" + HOSTS + "}"
    result = check(tmp_path, text, "sh-dev", "r0")
    assert result.stdout == "/dev/drbd0\n"


def test_file_to_test_is_checked_together_with_the_main_one(tmp_path):
    (tmp_path / "new.res").write_text("resource r0 { }\n")
    result = check(tmp_path, "resource r0 {" + HOSTS + "}", "-t", "new.res", "sh-nop")
    assert result.returncode == 10
    assert "new.res:1: conflicting use of resource section 'r0'" in result.stderr
    refused = check(tmp_path, "resource r0 {" + HOSTS + "}", "-t", "new.res", "up", "r0")
    assert refused.returncode == 1


def test_unreadable_and_missing_files(tmp_path):
    missing = drbdadm("-c", "nothing.res", "dump", cwd=tmp_path)
    assert missing.returncode == 20 and "nothing.res" in missing.stderr
    directory = drbdadm("-c", ".", "dump", cwd=tmp_path)
    assert directory.returncode == 20


def test_a_very_long_line_and_odd_bytes_do_not_confuse_the_scanner(tmp_path):
    (tmp_path / "x.res").write_bytes(b"resource r0 { # " + b"x" * 100000 + b"\n\x00 }\n")
    result = drbdadm("-c", "x.res", "dump", cwd=tmp_path)
    assert result.returncode == 10
    assert "x.res:2: Parse error" in result.stderr
