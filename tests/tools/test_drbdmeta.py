# SPDX-License-Identifier: GPL-2.0
"""drbdmeta on sparse files, against samples of the genuine tool and module.

Needs drbd-utils/drbdmeta/drbdmeta to be built; no privileges, no devices.
"""
import fcntl
import glob
import gzip
import os
import re
import shutil
import struct
import subprocess
import tempfile

import pytest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TOOL = os.environ.get("DRBDMETA", os.path.join(TOP, "drbd-utils/drbdmeta/drbdmeta"))
VECTORS = os.path.join(TOP, "tests/vectors/metadata")
MIB = 1 << 20
CLEAN, UNCLEAN = 0x8374026B, 0x8374026C
SB, AL, BM = 268431360, 268398592, 268390400  # 256 MiB, internal

pytestmark = pytest.mark.skipif(not os.path.exists(TOOL), reason="drbdmeta is not built")


def vector(name):
    with open(os.path.join(VECTORS, name), "rb") as f:
        data = f.read()
    return gzip.decompress(data) if name.endswith(".gz") else data


class Disk:
    """A sparse file used as metadata device."""

    def __init__(self, directory, size):
        self.path = os.path.join(directory, "disk")
        self.state = os.path.join(directory, "state")
        with open(self.path, "wb") as f:
            f.truncate(size)

    def run(self, command, *args, index="internal", force=True, stdin=None, device="-"):
        argv = [TOOL, "--var-lib-drbd", self.state]
        if force:
            argv.append("--force")
        argv += [device, "v08", self.path, str(index), command, *map(str, args)]
        done = subprocess.run(argv, capture_output=True, text=True,
                              stdin=stdin or subprocess.DEVNULL, timeout=120, check=False)
        done.stderr = "".join(line for line in done.stderr.splitlines(True)
                              if "O_DIRECT" not in line and "BLKSSZGET" not in line)
        return done

    def ok(self, command, *args, **kwargs):
        done = self.run(command, *args, **kwargs)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def resize(self, size):
        os.truncate(self.path, size)

    def read(self, position, size):
        with open(self.path, "rb") as f:
            f.seek(position)
            return f.read(size)

    def write(self, position, data):
        with open(self.path, "r+b") as f:
            f.seek(position)
            f.write(data)

    def flags_magic(self, position=SB):
        return struct.unpack(">II", self.read(position + 0x38, 8))


@pytest.fixture
def disk(tmp_path):
    return lambda size: Disk(str(tmp_path), size)


def superblock(flags, magic=CLEAN, la=524200, uuid=None, device_uuid=0):
    """A 256 MiB internal superblock."""
    sb = bytearray(vector("sb-new-256M-internal.bin"))
    struct.pack_into(">Q", sb, 0, la)
    for i, value in enumerate(uuid or []):
        struct.pack_into(">Q", sb, 8 + 8 * i, value)
    struct.pack_into(">Q", sb, 0x28, device_uuid)
    struct.pack_into(">II", sb, 0x38, flags, magic)
    return bytes(sb)


# --- create-md ---------------------------------------------------------------

CREATED = [
    ("sb-new-256M-internal.bin", 256 * MIB, "internal", 268431360, []),
    ("sb-new-1000001s-internal.bin", 1000001 * 512, "flex-internal", 511995904, []),
    ("sb-new-1T-internal.bin", 1 << 40, "internal", 1099511623680, []),
    ("sb-new-16T-internal.bin", 1 << 44, "internal", 17592186040320, []),
    ("sb-new-300M-stripes7x64k.bin", 300 * MIB, "internal", 314568704,
     ["--al-stripes", "7", "--al-stripe-size-kB", "64"]),
    ("sb-new-512M-index3.bin", 512 * MIB, 3, 402653184, []),
    ("sb-new-1000001s-flexext.bin", 1000001 * 512, "flex-external", 0,
     ["--peer-max-bio-size", "128k"]),
]


@pytest.mark.parametrize("name,size,index,place,options", CREATED)
def test_created_superblock_is_byte_identical_to_the_genuine_one(disk, request, name, size,
                                                                   index, place, options):
    d = disk(0)
    try:
        d.resize(size)
    except OSError:
        # ext4 ends just below 16 TiB; memory has no such limit
        if not os.access("/dev/shm", os.W_OK):
            pytest.skip("the file system has no files of that size")
        shm = tempfile.mkdtemp(dir="/dev/shm")
        request.addfinalizer(lambda: shutil.rmtree(shm))
        d = Disk(shm, size)
    d.ok("create-md", *options, index=index)
    assert d.read(place, 4096) == vector(name)
    al = vector("al-initialized-block.bin")
    sb = vector(name)
    al_offset, = struct.unpack_from(">i", sb, 0x44)
    stripes, stripe_size = struct.unpack_from(">II", sb, 0x58)
    blocks = stripes * stripe_size
    assert d.read(place + al_offset * 512, blocks * 4096) == al * blocks


@pytest.mark.parametrize("size,index,code", [
    (69631, "internal", 10), (69632, "internal", 0), (100 * MIB, 0, 0), (100 * MIB, 1, 10),
])
def test_smallest_devices(disk, size, index, code):
    assert disk(size).run("create-md", index=index).returncode == code


def test_nothing_of_an_earlier_use_survives_creation(disk):
    d = disk(4 * MIB)
    d.write(4 * MIB - 80 * 512, b"\xff" * (80 * 512))
    d.ok("create-md")
    assert d.read(4 * MIB - 80 * 512, 4096) == bytes(4096)
    e = disk(4 * MIB)
    e.write(MIB, b"\xff" * (3 * MIB))
    e.ok("create-md", index="flex-external")
    assert e.read(36864, 4 * MIB - 36864) == bytes(4 * MIB - 36864)


def test_overwriting_asks_and_starts_anew(disk):
    d = disk(256 * MIB)
    d.ok("create-md")
    d.ok("write-dev-uuid", "ABCDEF")
    done = d.run("create-md", force=False)
    assert done.returncode == 20 and "is not a block device" in done.stderr
    done = d.run("create-md")
    assert done.returncode == 0
    assert "already in place on" in done.stderr
    assert "Do you really want to overwrite the existing meta-data?" in done.stderr
    assert d.ok("read-dev-uuid") == "0" * 16 + "\n"


def test_changing_only_the_stripes_is_refused(disk):
    d = disk(256 * MIB)
    d.ok("create-md")
    assert d.run("create-md", "--al-stripes", 2).returncode == 30
    assert d.run("create-md", "--al-stripes", 1).returncode == 0


def ext_disk(disk, size, blocks):
    d = disk(size)
    sb = bytearray(1024)
    struct.pack_into("<I", sb, 4, blocks)
    struct.pack_into("<I", sb, 0x18, 0)
    struct.pack_into("<H", sb, 0x38, 0xEF53)
    sb[0x5C] = 4
    d.write(1024, bytes(sb))
    return d


def test_a_filesystem_that_reaches_into_the_metadata_is_never_overwritten(disk):
    usable_kib = BM // 1024
    d = ext_disk(disk, 256 * MIB, usable_kib + 1)
    before = d.read(0, 256 * MIB)
    for extra in ([], ["--ignore-sanity-checks"]):
        done = d.run("create-md", *extra)
        assert done.returncode == 40
        assert "Found ext3 filesystem" in done.stdout
        assert "%12d kB data area apparently used" % (usable_kib + 1) in done.stdout
        assert d.read(0, 256 * MIB) == before
    d = ext_disk(disk, 256 * MIB, usable_kib)
    assert "unused space, you still need to confirm" in d.ok("create-md")


def test_a_filesystem_on_an_external_device_is_refused_unless_overridden(disk):
    d = ext_disk(disk, 256 * MIB, 1000)
    done = d.run("create-md", index=0)
    assert done.returncode == 40 and "This would corrupt existing data." in done.stdout
    assert d.run("create-md", "--ignore-sanity-checks", index=0).returncode == 0


@pytest.mark.parametrize("position,data,what", [
    (4086, b"SWAPSPACE2", "swap space signature"),
    (8182, b"SWAP-SPACE", "swap space signature"),
    (0x218, b"LVM2", "LVM2 physical volume signature"),
    (0, b"XFSB" + struct.pack(">IQ", 4096, 1 << 40), "xfs filesystem"),
    (0x8000, b"JFS1" + bytes(4) + struct.pack("<QQI", 1 << 40, 0, 512), "JFS filesystem"),
])
def test_foreign_data_is_recognised_and_refused(disk, position, data, what):
    d = disk(256 * MIB)
    d.write(position, data)
    done = d.run("create-md")
    assert done.returncode == 40
    assert "Found " + what in done.stdout


def test_v07_and_v09_are_converted(disk):
    expected = "000100010002BABE:0000000000000000:000100010001BABE:000100010000BABE:"
    for name, place in (("fixed", 128 * MIB), ("flex", SB)):
        d = disk(256 * MIB)
        d.write(place, vector("sb-v07-%s-256M.bin" % name))
        done = d.run("create-md")
        assert "There appears to be a v07" in done.stderr
        assert "convert to v08?" in done.stderr
        assert d.ok("get-gi").startswith(expected)
        assert d.flags_magic() == (0, CLEAN)
        if name == "fixed":
            assert d.read(place, 4096) == bytes(4096)
        assert d.run("apply-al").returncode == 0
        assert d.flags_magic() == (0x80, CLEAN)
    d = disk(256 * MIB)
    d.write(SB, vector("sb-v09-2peers-256M.bin"))
    d.ok("create-md")
    assert d.read(SB, 4096) == vector("sb-new-256M-internal.bin")


def test_fixed_v07_bitmap_and_log_come_along(disk):
    d = disk(256 * MIB)
    sb = bytearray(vector("sb-v07-fixed-256M.bin"))
    struct.pack_into(">Q", sb, 0, 131072)       # KiB
    struct.pack_into(">I", sb, 8, 0x13)
    bitmap = bytes(range(256)) * 16
    d.write(128 * MIB, bytes(sb))
    d.write(128 * MIB + 72 * 512, bitmap)
    d.write(128 * MIB + 8 * 512, vector("alcase-old-fmt-magic08-not-clean-primary.bin.gz"))
    d.ok("create-md")
    assert d.read(BM, 4096) == bitmap
    d.ok("apply-al")
    after = d.read(BM, 4096)
    assert after[12 * 128:14 * 128] == b"\xff" * 256
    assert after[:12 * 128] == bitmap[:12 * 128] and after[14 * 128:] == bitmap[14 * 128:]


# --- what genuine nodes left on disk ----------------------------------------------

def show_lines(text):
    return text.splitlines()


def test_show_gi_reads_as_the_genuine_one(disk):
    d = disk(256 * MIB)
    d.ok("create-md")
    with open(os.path.join(VECTORS, "show-gi-new-256M.txt"), encoding="ascii") as f:
        assert d.ok("show-gi") == f.read()


def without_head(text):
    """Date and command line differ; the flags are right in ours."""
    lines = text.splitlines()
    assert re.match(r"# \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \[\d+\]$", lines[1])
    return [re.sub("flags 0x[0-9A-F]{8};", "flags;", line) for line in lines[:1] + lines[3:]]


def test_dump_md_reads_as_the_genuine_one(disk):
    d = disk(256 * MIB)
    d.ok("create-md")
    with open(os.path.join(VECTORS, "dump-md-new-256M.txt"), encoding="ascii") as f:
        genuine = f.read()
    ours = d.ok("dump-md")
    assert without_head(ours) == without_head(genuine)
    assert "flags 0x00000080;" in ours


def crashed(disk):
    d = disk(2048 * MIB)
    d.write(2147479552, vector("sb-live-crashed-primary.bin"))
    d.write(2147446784, vector("al-ring-crashed.bin.gz"))
    d.write(2147381248, vector("bitmap-crashed.bin.gz"))
    return d


def test_crashed_primary_is_repaired_as_by_the_genuine_tool(disk):
    d = crashed(disk)
    done = d.run("apply-al")
    assert done.returncode == 0
    assert done.stderr == "Marked additional 268 MB as out-of-sync based on AL.\n"
    assert d.read(2147381248, 65536) == vector("bitmap-crashed-after-apply-al.bin.gz")
    assert d.read(2147479552, 4096) == vector("sb-crashed-after-apply-al.bin")
    assert d.read(2147446784, 32768) == vector("al-initialized-block.bin") * 8
    with open(os.path.join(VECTORS, "dump-md-crashed-after-apply-al.txt"), encoding="ascii") as f:
        assert without_head(d.ok("dump-md")) == without_head(f.read())
    done = d.run("apply-al")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_dump_of_unclean_metadata_needs_force_and_cannot_be_restored(disk, tmp_path):
    d = crashed(disk)
    genuine = vector("dump-md-crashed-forced-verbose10.txt.gz").decode()
    text = d.ok("dump-md", "-vvvvvvvvvv")
    assert without_head(text) == without_head(genuine)
    dump = tmp_path / "dump"
    dump.write_text(text)
    assert d.run("restore-md", dump).returncode == 10


def alcases():
    with open(os.path.join(VECTORS, "README"), encoding="utf-8") as f:
        for line in f:
            m = re.match(r"(alcase-\S+\.bin\.gz): crafted AL ring; superblock flags (\S+), magic (\S+)"
                         r" before; genuine apply-al: exit (\d), extents set \[(.*)\], AL (\w+),"
                         r" flags (\S+) magic (\S+) after; stderr: (.*)$", line)
            if m:
                yield pytest.param(m, id=m[1][7:-7])


@pytest.mark.parametrize("case", list(alcases()))
def test_crafted_log_gets_the_genuine_verdict(disk, case):
    name, flags, magic, code, extents, al, flags_after, magic_after, stderr = case.groups()
    d = disk(256 * MIB)
    ring = vector(name)
    d.write(SB, superblock(int(flags, 16), int(magic, 16)))
    d.write(AL, ring)
    done = d.run("apply-al")
    assert done.returncode == int(code)
    bitmap = bytearray(8192)
    for extent in filter(None, extents.split(", ")):
        bitmap[int(extent) * 128:int(extent) * 128 + 128] = b"\xff" * 128
    assert d.read(BM, 8192) == bytes(bitmap)
    fresh = vector("al-initialized-block.bin") * 8
    assert d.read(AL, 32768) == (ring if al == "unchanged" else fresh)
    assert d.flags_magic() == (int(flags_after, 16), int(magic_after, 16))
    expected = [] if stderr == "(none)" else stderr.split(" / ")
    lines = done.stderr.splitlines()
    odd = expected.count("(assertion-style line)")
    expected = [line for line in expected if line != "(assertion-style line)"]
    assert [line for line in lines if line in expected] == expected
    assert (len(lines) > len(expected)) == (odd > 0)


def test_the_cases_of_the_readme_were_found():
    assert len(list(alcases())) == len(glob.glob(os.path.join(VECTORS, "alcase-*")))


@pytest.mark.parametrize("extent,marked", [(0, 0), (31, 31), (32, 32)])
def test_last_extent_of_an_exactly_filled_bitmap_is_marked(disk, extent, marked):
    d = disk(256 * MIB)
    ring = bytearray(32768)
    struct.pack_into(">II", ring, 0, 0x6AA667A6, extent)
    for i in range(2, 258):
        struct.pack_into(">I", ring, 4 * i, 0xFFFFFFFF)
    d.write(SB, superblock(0x13, UNCLEAN, la=262144 if extent < 32 else 262145))
    d.write(AL, bytes(ring))
    d.ok("apply-al")
    assert d.read(BM + marked * 128, 128) == b"\xff" * 128


# --- small fields ---------------------------------------------------------------------

def test_get_gi_prints_flags_in_its_own_order(disk):
    d = disk(256 * MIB)
    d.write(SB, superblock(0x7D, uuid=[0x1122334455667788, 0xAABB, 0xCC, 0xDD]))
    assert d.ok("get-gi") == ("1122334455667788:000000000000AABB:00000000000000CC:"
                              "00000000000000DD:1:1:0:1:1:1:1\n")


def test_set_gi_changes_only_what_is_given(disk):
    d = disk(256 * MIB)
    d.write(SB, superblock(0x83, uuid=[1, 2, 3, 4]))
    out = d.ok("set-gi", "F0::A:::1:0")
    gi = ("00000000000000F0:0000000000000002:000000000000000A:0000000000000004:"
          "1:1:0:0:0:0:0")
    assert "set GI to  " + gi in out
    assert d.ok("get-gi").strip() == gi
    assert d.flags_magic() == (0x91, CLEAN)
    assert d.run("set-gi", "xyz").returncode == 10
    assert d.run("set-gi").returncode == 10


@pytest.mark.parametrize("flags,state", [
    (0, "Inconsistent"), (0x10, "Inconsistent"), (1, "Outdated"), (0x11, "Consistent"),
    (0x31, "UpToDate"), (0x21, "Outdated"),
])
def test_dstate(disk, flags, state):
    d = disk(256 * MIB)
    d.write(SB, superblock(flags))
    assert d.ok("dstate") == state + "\n"


def test_outdate_and_invalidate_keep_magic_and_other_flags(disk):
    d = disk(256 * MIB)
    d.write(SB, superblock(0x17, UNCLEAN))
    d.ok("outdate")
    assert d.flags_magic() == (0x07, UNCLEAN)
    d.ok("invalidate")
    assert d.flags_magic() == (0x0E, UNCLEAN)
    done = d.run("outdate")
    assert done.returncode == 5 and done.stderr == "Device is inconsistent.\n"


def test_wipe_md_zeroes_the_superblock_once(disk):
    d = disk(256 * MIB)
    d.ok("create-md")
    assert "successfully wiped out" in d.ok("wipe-md")
    assert d.read(SB, 4096) == bytes(4096)
    done = d.run("wipe-md")
    assert done.returncode == 0 and "no drbd meta data to wipe out" in done.stderr


@pytest.mark.parametrize("command", ["get-gi", "show-gi", "outdate", "invalidate", "dstate",
                                     "dump-md", "apply-al", "check-resize", "read-dev-uuid"])
def test_no_metadata_is_exit_1_and_nothing_is_written(disk, command):
    d = disk(MIB)
    assert d.run(command).returncode == 1
    assert d.read(0, MIB) == bytes(MIB)


@pytest.mark.parametrize("field,value,complaint", [
    (0x44, -128, "v08 al_offset: expected -64, found -128"),
    (0x4C, -72, "strange bm_offset -72 (expected: -80)"),
    (0x40, 80, "strange md_size_sect 80 (expected: 88)"),
])
def test_wrong_geometry_is_named_and_not_used(disk, field, value, complaint):
    d = disk(256 * MIB)
    sb = bytearray(superblock(0x91))
    struct.pack_into(">i", sb, field, value)
    d.write(SB, bytes(sb))
    done = d.run("dstate")
    assert done.returncode == 1
    assert complaint in done.stderr.splitlines()


# --- dump and restore ---------------------------------------------------------------------

def test_dump_and_restore_are_inverse_flags_included(disk, tmp_path):
    d = disk(256 * MIB)
    sb = superblock(0xB7, uuid=[0x1111111111111110, 2, 3, 4], device_uuid=0xDEADBEEF)
    bitmap = bytearray(8192)
    bitmap[0:5] = b"\x01\x02\x03\x04\x05"
    bitmap[3000:3500] = b"\xff" * 500
    bitmap[8191] = 0x80
    d.write(SB, sb)
    d.write(BM, bytes(bitmap))
    dump = tmp_path / "dump"
    dump.write_text(d.ok("dump-md"))
    assert "flags 0x000000B7;" in dump.read_text()
    e = disk(256 * MIB)
    assert "input file parsed ok" in e.ok("verify-dump", dump)
    assert "Successfully restored" in e.ok("restore-md", dump)
    assert e.read(SB, 4096) == sb
    assert e.read(BM, 8192) == bytes(bitmap)
    with open(dump, encoding="ascii") as f:
        assert e.run("restore-md", stdin=f).returncode == 0
    assert without_head(e.ok("dump-md")) == without_head(dump.read_text())


def test_restore_to_other_stripes(disk, tmp_path):
    d = disk(256 * MIB)
    d.write(SB, superblock(0x91, la=262144))
    d.write(BM, b"\x0f" * 4096)
    dump = tmp_path / "dump"
    dump.write_text(d.ok("dump-md"))
    d.ok("restore-md", "--al-stripes", 4, "--al-stripe-size-kB", 64, dump)
    text = d.ok("dump-md")
    assert "al-stripes 4;" in text and "al-stripe-size-4k 16;" in text
    assert "# bits-set 16384;" in text


@pytest.mark.parametrize("change,line", [
    (("uuid {", "uuix {"), 13), (("flags 0x", "flags 0y"), 15), (("bm {", "bm ["), None),
    (("al-stripes 1;", "al-stripes -1;"), None), (("bm-byte-per-bit 4096", "bm-byte-per-bit 512"), None),
    (("}\n# bits", "\n# bits"), None),
])
def test_damaged_dump_is_refused_before_anything_is_written(disk, tmp_path, change, line):
    d = disk(256 * MIB)
    d.ok("create-md")
    dump = tmp_path / "dump"
    text = d.ok("dump-md")
    assert change[0] in text
    dump.write_text(text.replace(*change))
    before = d.read(BM, 256 * MIB - BM)
    done = d.run("restore-md", dump)
    assert done.returncode == 10
    assert ("Parse error in line %d" % line if line else "Parse error in line") in done.stderr
    assert d.run("verify-dump", dump).returncode == 10
    assert d.read(BM, 256 * MIB - BM) == before


def test_dump_of_another_version_and_missing_file(disk, tmp_path):
    d = disk(256 * MIB)
    dump = tmp_path / "dump"
    dump.write_text('version "v09";\n')
    done = d.run("restore-md", dump)
    assert done.returncode == 10 and "dump is 'v09' you requested 'v08'." in done.stderr
    assert d.run("restore-md", tmp_path / "none").returncode == 20


# --- growth of the lower device ----------------------------------------------------------------

BITS = bytes([0x01]) + bytes(range(1, 200)) * 30


def grown(disk, old, new, la):
    d = disk(old)
    d.ok("create-md")
    sectors = old // 512
    pages = -(-sectors // 262144)
    sb = (sectors & ~7) - 8
    bm = sb - 64 - 8 * pages
    place = d.read(sb * 512, 4096)
    changed = bytearray(place)
    struct.pack_into(">Q", changed, 0, la if la is not None else bm)
    struct.pack_into(">II", changed, 0x38, 0x13, UNCLEAN)
    d.write(sb * 512, bytes(changed))
    bits = BITS[:pages * 4096]
    d.write(bm * 512, bits)
    d.write((sb - 64) * 512, vector("al-ring-busy.bin.gz"))
    d.resize(new)
    return d, bits, sb * 512


@pytest.mark.parametrize("old,new", [
    (256 * MIB, 300 * MIB), (256 * MIB, 256 * MIB + 4096 * 3), (256 * MIB, 1 << 40),
    (300 * MIB, 301 * MIB), (1000001 * 512, 1000200 * 512), (130 * MIB, 130 * MIB + 65536),
])
def test_metadata_follows_a_grown_device_bit_for_bit(disk, old, new):
    d, bits, old_sb = grown(disk, old, new, 8192)
    sectors = new // 512
    pages = -(-sectors // 262144)
    sb = (sectors & ~7) - 8
    text = d.ok("dump-md")
    assert "### Device seems to have been resized!" in text
    done = d.run("check-resize")
    assert done.returncode == 0
    assert "Moving the internal meta data to its proper location" in done.stderr
    moved = d.read((sb - 64 - 8 * pages) * 512, len(bits))
    assert moved == bits
    tail = d.read((sb - 64 - 8 * pages) * 512 + len(bits), pages * 4096 - len(bits))
    assert tail == bytes(len(tail))
    assert d.read((sb - 64) * 512, 32768) == vector("al-ring-busy.bin.gz")
    assert d.flags_magic(sb * 512) == (0x13, UNCLEAN)
    if old_sb + 4096 <= (sb - 64 - 8 * pages) * 512:
        assert d.read(old_sb, 4096) == bytes(4096)
    assert d.run("check-resize").returncode == 0
    assert "resized" not in d.ok("dump-md")


def test_move_never_overwrites_the_last_data(disk):
    # one more sector needs one more bitmap page, which would lie in the data
    d, _, old_sb = grown(disk, 256 * MIB, 256 * MIB + 512, None)
    before = d.read(0, 256 * MIB + 512)
    done = d.run("check-resize")
    assert done.returncode == 1
    assert "Cannot move" in done.stderr
    assert d.read(0, 256 * MIB + 512) == before
    assert d.flags_magic(old_sb) == (0x13, UNCLEAN)


def test_apply_al_moves_first(disk):
    d, bits, _ = grown(disk, 256 * MIB, 300 * MIB, 8192 * 64)
    done = d.run("apply-al")
    assert done.returncode == 0
    assert "Moving the internal meta data" in done.stderr
    assert d.flags_magic(314568704) == (0x93, CLEAN)


def test_moved_metadata_must_have_the_recorded_uuid(disk):
    d = disk(256 * MIB)
    d.ok("create-md")
    d.ok("write-dev-uuid", "12345")
    d.write(SB, superblock(0x80, device_uuid=0x54321))
    d.resize(300 * MIB)
    record = glob.glob(os.path.join(d.state, "drbd-minor-*.lkbd"))
    assert len(record) == 1
    with open(record[0], encoding="ascii") as f:
        assert f.read() == "268435456\t%s\nuuid:\t0000000000012345\n" % d.path
    done = d.run("check-resize")
    assert "Last known and found uuid differ!?" in done.stderr
    assert "0000000000012345 != 0000000000054321" in done.stderr


def test_the_record_of_the_size_goes_with_the_metadata(disk):
    d = disk(256 * MIB)
    d.ok("create-md")
    assert os.listdir(d.state) == ["drbd-minor--1.lkbd"]
    d.ok("wipe-md")
    assert os.listdir(d.state) == []


# --- command line ---------------------------------------------------------------------------------

def tool(*args):
    return subprocess.run([TOOL, *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)


@pytest.mark.parametrize("args,code,line", [
    (["-", "v08", "x"], 20, "Too few arguments for format"),
    (["-", "v10", "x", "internal"], 20, "Unknown format 'v10'."),
    (["-", "v08", "x", "intern"], 20, "'intern' is not a valid index number."),
    (["-", "v08", "x", "256"], 20, "'256' is not a valid index number."),
    (["-", "v08", "x", "internal"], 20, "command missing"),
    (["-", "v08", "x", "internal", "foo"], 20, "Unknown command 'foo'."),
    (["-", "v08", "x", "internal", "create-md", "-z", "3x"], 20, "3x is not a valid number"),
    (["-", "v08", "/nonexistent", "internal", "dstate"], 20,
     "open(/nonexistent) failed: No such file or directory"),
    (["-", "v08", "x", "internal", "create-md", "-p", "2M"], 10,
     "peer-max-bio-size out of range (0...1M)"),
    (["-", "v08", "x", "internal", "get-gi", "--node-id", "32"], 10,
     "node-id out of range (0...31)"),
    (["-", "v08", "x", "internal", "create-md", "--al-stripes", "8193"], 10,
     "invalid (too large) al-stripe* settings"),
    (["-", "v08", "x", "internal", "create-md", "--al-stripe-size", "31"], 10,
     "invalid (too small) al-stripe* settings"),
    (["-", "v08", "x", "internal", "dstate", "--al-stripes", "2"], 10,
     "The --al-stripe* options are only allowed with create-md and restore-md"),
    (["-", "v08", "x", "internal", "dstate", "-p", "4k"], 10,
     "The --peer-max-bio-size option is only allowed with create-md"),
    (["-", "v08", "x", "internal", "dstate", "--node-id", "1"], 10,
     "The dstate command does not accept the --node-id option"),
])
def test_command_line_errors(args, code, line):
    done = tool(*args)
    assert done.returncode == code
    assert line in done.stderr.splitlines()


def test_usage_on_too_few_arguments_and_unknown_options():
    for args in ([], ["-", "v08"], ["--frobnicate", "-", "v08", "x", "internal", "dstate"]):
        done = tool(*args)
        assert done.returncode == 20
        assert done.stdout.startswith("\nUSAGE: drbdmeta [--force] DEVICE FORMAT")
        assert "  restore-md file\n" in done.stdout and "set-gi" not in done.stdout


def test_an_unknown_device_is_an_error_and_not_minor_minus_one():
    done = tool("frobnicate", "v08", "x", "internal", "dstate")
    assert done.returncode == 20
    assert "'frobnicate' is not a DRBD device" in done.stderr


def test_attached_device_is_only_read(disk, tmp_path):
    d = disk(256 * MIB)
    d.ok("create-md")
    copy = tmp_path / "bin"
    copy.mkdir()
    shutil.copy(TOOL, copy / "drbdmeta")
    setup = copy / "drbdsetup"

    def attached(answer, command):
        setup.write_text('#!/bin/sh\n[ "$*" = "4711 dstate" ] || exit 99\n%s\n' % answer)
        setup.chmod(0o755)
        return subprocess.run([copy / "drbdmeta", "--var-lib-drbd", d.state, "-f", "4711", "v08",
                               d.path, "internal", command], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False)

    if not os.access("/var/lock", os.W_OK):
        pytest.skip("/var/lock is not writable")
    try:
        done = attached("echo UpToDate/UpToDate", "outdate")
        assert done.returncode == 20
        assert "Device '4711' is configured!" in done.stderr
        done = attached("echo UpToDate/DUnknown", "dstate")
        assert done.returncode == 0
        assert "# Output might be stale, since minor 4711 is attached" in done.stderr
        done = attached("echo Diskless/DUnknown", "invalidate")
        assert done.returncode == 0
        done = attached("exit 10", "dstate")
        assert done.returncode == 0 and "stale" not in done.stderr
    finally:
        if os.path.exists("/var/lock/drbd-147-4711"):
            os.unlink("/var/lock/drbd-147-4711")


def test_one_minor_is_worked_on_by_one_process_at_a_time(disk):
    if not os.access("/var/lock", os.W_OK):
        pytest.skip("/var/lock is not writable")
    d = disk(256 * MIB)
    d.ok("create-md")
    path = "/var/lock/drbd-147-4712"
    with open(path, "w", encoding="ascii") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        done = d.run("dstate", device="/dev/drbd4712")
    os.unlink(path)
    assert done.returncode == 20
    assert done.stderr == "lock on %s currently held by pid:%d\n" % (path, os.getpid())


def test_dry_run_writes_nothing(disk):
    d = disk(MIB)
    d.ok("create-md", "--dry-run")
    assert d.read(0, MIB) == bytes(MIB)
