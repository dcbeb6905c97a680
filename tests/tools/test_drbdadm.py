# SPDX-License-Identifier: GPL-2.0
"""What drbdadm makes of the answers of drbdsetup and drbdmeta, and of the kernel's calls."""
import glob
import os
import time

import pytest

from drbdadm_env import VECTORS, FakeNode, build, drbdadm, needs_namespaces

pytestmark = needs_namespaces

ADJUST = os.path.join(VECTORS, "adjust")

TWO = """
global { cmd-timeout-short 1; cmd-timeout-medium 5; }
resource r0 {
 volume 0 { device minor 0; disk /dev/a; meta-disk internal; }
 volume 1 { device minor 1; disk /dev/b; meta-disk /dev/m [3]; }
 on h1 { address 10.1.1.1:7000; }
 on h2 { address 10.1.1.2:7000; }
 handlers {
  before-resync-target "env > env.txt; exit 7";
  fence-peer "env > env.txt; exit 4";
 }
}
resource r1 {
 on h1 { device /dev/drbd_web minor 2; disk /dev/c; meta-disk internal; address 10.1.1.1:7001; }
 on h2 { device minor 2; disk /dev/c; meta-disk internal; address 10.1.1.2:7001; }
 startup { become-primary-on h1; }
}
resource elsewhere {
 on x1 { device minor 9; disk /dev/c; meta-disk internal; address 10.1.1.1:7009; }
 on x2 { device minor 9; disk /dev/c; meta-disk internal; address 10.1.1.2:7009; }
}
"""


@pytest.fixture(scope="session", autouse=True)
def program():
    build()


@pytest.fixture
def node(tmp_path):
    fake = FakeNode(tmp_path)
    fake.config(TWO)
    return fake


# up, and the order of things


def test_up_creates_all_then_attaches_all_then_connects(node):
    assert node.run("up", "all").returncode == 0
    assert node.calls() == [
        "drbdsetup new-resource r0",
        "drbdsetup new-minor r0 0 0",
        "drbdsetup new-minor r0 1 1",
        "drbdsetup new-resource r1",
        "drbdsetup new-minor r1 2 0",
        "drbdmeta 0 v08 /dev/a internal apply-al",
        "drbdsetup attach 0 /dev/a /dev/a internal",
        "drbdmeta 1 v08 /dev/m 3 apply-al",
        "drbdsetup attach 1 /dev/b /dev/m 3",
        "drbdmeta 2 v08 /dev/c internal apply-al",
        "drbdsetup attach 2 /dev/c /dev/c internal",
        "drbdsetup connect r0 ipv4:10.1.1.1:7000 ipv4:10.1.1.2:7000",
        "drbdsetup connect r1 ipv4:10.1.1.1:7001 ipv4:10.1.1.2:7001",
    ]


def test_up_without_metadata_attaches_nothing_and_names_the_remedy(node):
    node.answer("drbdmeta", "apply-al", code=1, errors="No valid meta data found\n")
    result = node.run("up", "r1")
    assert result.returncode == 1
    assert "drbdadm create-md r1" in result.stderr
    assert not [c for c in node.calls() if "attach" in c or "connect" in c]


def test_up_skips_the_rest_of_a_resource_that_could_not_be_created(node):
    node.answer("drbdsetup", "new-resource", code=10)
    assert node.run("up", "all").returncode == 1
    assert node.calls() == ["drbdsetup new-resource r0", "drbdsetup new-resource r1"]


def test_up_of_one_volume_leaves_the_others_alone(node):
    assert node.run("up", "r0/1").returncode == 0
    assert not [c for c in node.calls() if "/dev/a" in c or "new-minor r0 0" in c]


def test_up_refuses_unknown_words_before_it_changes_anything(node):
    node.config(TWO.replace("resource r0 {", "resource r0 { disk { on-io-error explode; }"))
    result = node.run("up", "all")
    assert result.returncode == 10
    assert "on-io-error is 'explode'" in result.stderr and "pass_on" in result.stderr
    assert node.calls() == []


def test_address_of_another_machine_stops_up(node):
    node.config(TWO.replace("10.1.1.1:7000", "10.9.9.9:7000"))
    result = node.run("up", "r0")
    assert result.returncode == 10
    assert "IP 10.9.9.9 not found on this host" in result.stderr
    assert node.calls() == []


def test_up_without_peer_brings_the_disk_up_and_fails(node):
    node.config("""resource r0 { on h1 { device minor 0; disk /dev/a; meta-disk internal;
                   address 10.1.1.1:7000; } }""")
    result = node.run("up", "r0")
    assert result.returncode == 1
    assert "Missing section 'on <PEER> { ... }'" in result.stderr
    assert node.calls()[-1] == "drbdsetup attach 0 /dev/a /dev/a internal"


def test_new_devices_are_registered_for_handlers(node):
    script = node.write("then-look", '#!/bin/sh\n./drbdadm -c config.res up all && '
                        'for f in /run/drbd/*; do echo "$f $(readlink "$f")"; done\n')
    os.chmod(script, 0o755)
    result = drbdadm(cwd=node.path, program=script, env={"FAKE": node.path})
    assert result.returncode == 0, result.stderr
    links = dict(line.split() for line in result.stdout.splitlines())
    config = node.file("config.res")
    assert links == {f"/run/drbd/drbd-{name}.conf": config for name in
                     ("minor-0", "minor-1", "minor-2", "resource-r0", "resource-r1")}


# selection and exit codes


@pytest.mark.parametrize("name,code,calls", [
    ("r1", 0, ["drbdsetup role 2"]),
    ("r0", 0, ["drbdsetup role 0", "drbdsetup role 1"]),
    ("r0/1", 0, ["drbdsetup role 1"]),
    ("minor-2", 0, ["drbdsetup role 2"]),
    ("all", 0, ["drbdsetup role 0", "drbdsetup role 1", "drbdsetup role 2"]),
    ("nosuch", 1, []),
    ("r0/7", 1, []),
    ("elsewhere", 1, []),
    ("/dev/drbd0", 20, []),
])
def test_what_a_name_selects(node, name, code, calls):
    assert node.run("role", name).returncode == code
    assert node.calls() == calls


def test_volume_is_refused_where_only_whole_resources_make_sense(node):
    assert node.run("down", "r0/1").returncode == 1
    assert node.run("down", "r1/0").returncode == 0
    assert node.calls() == ["drbdsetup down r1"]


def test_a_failed_volume_ends_its_resource_but_not_the_others(node):
    node.answer("drbdsetup", "primary", code=11)
    assert node.run("primary", "all").returncode == 11
    assert node.calls() == ["drbdsetup primary 0", "drbdsetup primary 2"]


def test_an_execution_problem_ends_everything(node):
    node.answer("drbdsetup", "primary", code=20)
    result = node.run("primary", "all")
    assert result.returncode == 20
    assert "terminated with exit code 20" in result.stderr
    assert node.calls() == ["drbdsetup primary 0"]


def test_wrong_host_is_told_so(node):
    result = node.run("up", "all", host="h77")
    assert result.returncode == 1
    assert "h77" in result.stderr and "'on' keyword" in result.stderr


def test_child_that_hangs_is_given_up(node):
    node.answer("drbdsetup", "role", seconds=20)
    begin = time.monotonic()
    result = node.run("role", "r1")
    assert result.returncode == 20
    assert time.monotonic() - begin < 10
    assert "did not terminate within 1 seconds" in result.stderr


def test_missing_drbdsetup_is_named(node):
    os.unlink(node.file("drbdsetup"))
    result = node.run("role", "r1", env={"PATH": "/usr/bin:/bin:/sbin:/usr/sbin"})
    if os.path.exists("/sbin/drbdsetup"):
        pytest.skip("drbdsetup is installed here")
    assert result.returncode == 20
    assert "Cannot run 'drbdsetup'" in result.stderr


# fallbacks to the metadata


def test_dstate_of_a_resource_that_is_down_comes_from_the_metadata(node):
    node.answer("drbdsetup", "dstate", code=10, errors="unknown minor\n")
    node.answer("drbdmeta", "dstate", output="Inconsistent\n")
    result = node.run("dstate", "r1")
    assert (result.returncode, result.stdout, result.stderr) == (0, "Inconsistent\n", "")


def test_dstate_refused_by_the_kernel_is_not_second_guessed(node):
    node.answer("drbdsetup", "invalidate", code=17, errors="State change failed\n")
    result = node.run("invalidate", "r1")
    assert result.returncode == 17 and "State change failed" in result.stderr
    assert node.calls() == ["drbdsetup invalidate 2"]


@pytest.mark.parametrize("kernel,meta,code,asked", [
    (0, None, 0, False), (17, None, 17, False), (5, 0, 0, True), (5, 1, 5, True),
    (10, 0, 0, True), (20, 1, 1, True)])
def test_outdate_codes(node, kernel, meta, code, asked):
    node.answer("drbdsetup", "outdate", code=kernel)
    node.answer("drbdmeta", "outdate", code=meta)
    assert node.run("outdate", "r1").returncode == code
    assert ("drbdmeta 2 v08 /dev/c internal outdate" in node.calls()) == asked


# metadata


def test_created_metadata_keeps_the_device_uuid(node):
    node.answer("drbdmeta", "read-dev-uuid", output="00000000DEADBEEF\n")
    assert node.run("--", "--force", "create-md", "r1").returncode == 0
    assert node.calls() == [
        "drbdmeta 2 v08 /dev/c internal read-dev-uuid",
        "drbdmeta 2 v08 /dev/c internal create-md --force",
        "drbdmeta 2 v08 /dev/c internal write-dev-uuid 00000000DEADBEEF"]


def test_first_metadata_gets_a_device_uuid(node):
    node.answer("drbdmeta", "read-dev-uuid", code=1, errors="No valid meta data found\n")
    result = node.run("create-md", "r1")
    assert (result.returncode, result.stderr) == (0, "")
    uuid = node.calls()[-1].split()[-1]
    assert len(uuid) == 16 and int(uuid, 16) != 0


def test_refused_create_md_writes_nothing(node):
    node.answer("drbdmeta", "create-md", code=40)
    assert node.run("create-md", "r1").returncode == 40
    assert not [c for c in node.calls() if "write-dev-uuid" in c]


# options for the backend


@pytest.mark.parametrize("args,call", [
    (["--", "--overwrite-data-of-peer", "primary", "r1"],
     "drbdsetup primary 2 --overwrite-data-of-peer"),
    (["primary", "--force", "r1"], "drbdsetup primary 2 --force"),
    (["--force", "primary", "r1"], "drbdsetup primary 2 --force"),
    (["--", "--force", "dump-md", "r1"], "drbdmeta 2 v08 /dev/c internal dump-md --force"),
    (["net-options", "--ping-int", "7", "r1"],
     "drbdsetup net-options ipv4:10.1.1.1:7001 ipv4:10.1.1.2:7001 --ping-int=7"),
    (["-W", "--start=0", "verify", "r1"], "drbdsetup verify 2 --start=0"),
    (["disconnect", "--force", "r1"],
     "drbdsetup disconnect ipv4:10.1.1.1:7001 ipv4:10.1.1.2:7001 --force"),
])
def test_options_reach_the_backend(node, args, call):
    assert node.run(*args).returncode == 0
    assert node.calls() == [call]


@pytest.mark.parametrize("args", [
    ["primary", "--timeout=3", "r1"], ["role", "--no-such-thing", "r1"], ["role"], [],
    ["frobnicate", "r1"]])
def test_wrong_usage_calls_nothing(node, args):
    assert node.run(*args).returncode == 1
    assert node.calls() == []


def test_dry_run_calls_nothing_and_names_the_resource(node):
    result = node.run("-d", "-n", "RES", "down", "all")
    assert result.stdout.replace(node.path + "/", "") == (
        "RES=r0\ndrbdsetup down r0\nRES=r1\ndrbdsetup down r1\n")
    assert node.calls() == []


# handlers


def handler_environment(node):
    with open(node.file("env.txt"), encoding="utf-8") as env:
        return dict(line.rstrip("\n").split("=", 1) for line in env if "=" in line)


def test_volume_handler_gets_its_environment_and_its_code_is_kept(node):
    result = node.run("before-resync-target", "minor-1")
    assert result.returncode == 7
    env = handler_environment(node)
    assert {k: v for k, v in env.items() if k.startswith("DRBD_")} == {
        "DRBD_RESOURCE": "r0", "DRBD_MINOR": "1", "DRBD_VOLUME": "1", "DRBD_LL_DISK": "/dev/b",
        "DRBD_CONF": node.file("config.res"), "DRBD_PEER_AF": "ipv4",
        "DRBD_PEER_ADDRESS": "10.1.1.2", "DRBD_PEER": "h2", "DRBD_PEERS": "h2"}


def test_fence_peer_gets_all_minors_and_no_volume(node):
    result = node.run("fence-peer", "r0")
    assert result.returncode == 4
    assert result.stderr == ""
    env = handler_environment(node)
    assert env["DRBD_MINOR"] == "0 1"
    assert "DRBD_VOLUME" not in env and "DRBD_LL_DISK" not in env


def test_peer_among_several_is_known_by_its_address(node):
    node.config("""resource r0 { device minor 0; disk /dev/a; meta-disk internal;
     on h1 { address 10.1.1.1:7000; } on h2 { address 10.1.1.2:7000; }
     on h3 h3b { address 10.1.1.3:7000; } handlers { fence-peer "env > env.txt"; } }""")
    kernel = {"DRBD_PEER_AF": "ipv4", "DRBD_PEER_ADDRESS": "10.1.1.3"}
    assert node.run("fence-peer", "r0", env=kernel).returncode == 0
    env = handler_environment(node)
    assert (env["DRBD_PEER"], env["DRBD_PEERS"]) == ("h3", "h3 h3b")


def test_no_handler_is_success(node):
    assert node.run("split-brain", "minor-0").returncode == 0


def test_handler_finds_the_registered_file(node):
    script = node.write("kernel", '#!/bin/sh\nmkdir -p /run/drbd; '
                        'ln -s "$PWD/config.res" /run/drbd/drbd-minor-1.conf\n'
                        'exec ./drbdadm before-resync-target minor-1\n')
    os.chmod(script, 0o755)
    assert drbdadm(cwd=node.path, program=script).returncode == 7


# answers for scripts


@pytest.mark.parametrize("args,output", [
    (["sh-resources"], "r0 r1\n"),
    (["sh-resource", "r1"], "r1\n"),
    (["sh-dev", "all"], "/dev/drbd0\n/dev/drbd1\n/dev/drbd_web\n"),
    (["sh-minor", "r0"], "0\n1\n"),
    (["sh-ll-dev", "r0/1"], "/dev/b\n"),
    (["sh-md-dev", "r0"], "/dev/a\n/dev/m\n"),
    (["sh-md-idx", "r0"], "internal\n3\n"),
    (["sh-ip", "r1"], "10.1.1.1\n"),
    (["sh-mod-parms"], "minor_count=32\n"),
    (["sh-udev", "minor-1"], "RESOURCE=r0/1\nDEVICE=drbd1\nDISK=b\n"),
    (["sh-udev", "minor-2"], "RESOURCE=r1\nDEVICE=drbd_web\nDISK=c\n"),
    (["sh-nop"], ""),
])
def test_shell_helpers(node, args, output):
    result = node.run(*args)
    assert (result.returncode, result.stdout) == (0, output), result.stderr
    assert node.calls() == []


def test_become_primary_on_is_followed(node):
    assert node.run("sh-b-pri", "all").returncode == 0
    assert node.calls() == ["drbdsetup primary 2"]
    assert node.run("sh-b-pri", "r1", host="h2").returncode == 0
    assert node.calls() == []


def test_version_help_and_command_lists(node):
    version = node.run("--version")
    assert version.returncode == 0
    assert "DRBDADM_API_VERSION=1\n" in version.stdout
    usage = node.run("help", "net-options")
    assert usage.returncode == 0
    assert "OPTIONS FOR net-options" in usage.stdout and "  --ping-int=...\n" in usage.stdout
    hidden = node.run("hidden-commands")
    assert hidden.returncode == 0 and " sh-b-pri " in hidden.stdout


def test_no_configuration_at_all(node):
    result = drbdadm("dump", cwd=node.path)
    if glob.glob("/etc/drbd*.conf"):
        pytest.skip("this machine has a configuration")
    assert result.returncode == 10
    assert "/etc/drbd.conf" in result.stderr


# waiting


def test_wait_connect_passes_startup_options_and_no_time_limit(node):
    node.config(TWO.replace("startup {", "startup { wfc-timeout 9; wait-after-sb;"))
    node.answer("drbdsetup", "wait-connect", code=5, seconds=2)
    assert node.run("wait-connect", "r1").returncode == 5
    assert node.calls() == ["drbdsetup wait-connect 2 --wfc-timeout=9 --wait-after-sb=yes"]


def test_wait_con_int_waits_for_all_volumes_at_once(node):
    result = node.run("wait-con-int")
    assert result.returncode == 0
    assert sorted(node.calls()) == [f"drbdsetup wait-connect {minor}" for minor in (0, 1, 2)]


# adjust

BETTER = {
    # the genuine tool does not see a changed index
    "16-meta-index-only": [
        "drbdsetup detach 1",
        "drbdmeta 1 v08 /dev/vdd 3 apply-al",
        "drbdsetup attach 1 /dev/vdb /dev/vdd 3 --resync-rate=40M",
    ],
    # nor more than one surplus volume
    "21-extra-volume": ["drbdsetup detach 2", "drbdsetup del-minor 2", "drbdsetup del-minor 3"],
    "27-two-extra-volumes": ["drbdsetup detach 1", "drbdsetup del-minor 1", "drbdsetup detach 2",
                             "drbdsetup del-minor 2"],
}


def adjust_vectors():
    return sorted(os.path.basename(f)[:-4] for f in glob.glob(os.path.join(ADJUST, "*.res")))


def read(name):
    with open(os.path.join(ADJUST, name), encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("name", adjust_vectors())
def test_adjust_makes_the_genuine_calls(tmp_path, name):
    node = FakeNode(tmp_path)
    node.config(read(name + ".res"))
    show = read(name + ".show")
    node.answer("drbdsetup", "show", output=show, code=0 if show else 20)
    result = node.run("-d", "adjust", "r0")
    assert result.returncode == 0, result.stderr
    expected = read(name + ".calls").splitlines()
    if name in BETTER:
        better = BETTER[name]
        assert better != expected and [c for c in better if c in expected] == expected
        expected = better
    calls = result.stdout.replace(node.path + "/", "").splitlines()
    assert calls == expected


def test_adjust_runs_what_the_dry_run_shows_and_then_finds_nothing_left(tmp_path):
    node = FakeNode(tmp_path)
    node.config(read("02-disk-option.res"))
    node.answer("drbdsetup", "show", output=read("02-disk-option.show"))
    assert node.run("adjust", "r0").returncode == 0
    assert node.calls() == ["drbdsetup show r0",
                            "drbdsetup disk-options 1 --set-defaults --resync-rate=30M"]
    node.answer("drbdsetup", "show",
                output=read("02-disk-option.show").replace("40960k", "30720k"))
    assert node.run("adjust", "r0").returncode == 0
    assert node.calls() == ["drbdsetup show r0"]


@pytest.mark.parametrize("name", ["disk", "10", "two words"])
def test_adjust_recognises_a_running_resource_whatever_its_name(tmp_path, name):
    node = FakeNode(tmp_path)
    node.config(read("01-same.res").replace("resource r0", f'resource "{name}"'))
    node.answer("drbdsetup", "show",
                output=read("01-same.show").replace("resource r0", f"resource {name}"))
    assert node.run("adjust", name).returncode == 0
    assert node.calls() == [f"drbdsetup show {name}"]


def test_adjust_with_progress_goes_on_after_a_failure(node):
    node.answer("drbdsetup", "show", code=20)
    node.answer("drbdsetup", "attach", code=17)
    result = node.run("adjust-with-progress", "all")
    assert result.returncode == 1
    assert result.stderr == ""
    assert result.stdout == ("[\n     create res: r0 r1"
                             "\n   prepare disk: r0 r1"
                             "\n    adjust disk: r0:failed(attach:17):failed(attach:17)"
                             " r1:failed(attach:17)"
                             "\n     adjust net: r0 r1\n]\n")
    assert [c for c in node.calls() if "connect" in c]
