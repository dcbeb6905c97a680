# SPDX-License-Identifier: GPL-2.0
"""The module of a live pair is exchanged, one node at a time, while somebody writes."""

import load
import pytest


@pytest.mark.long
@pytest.mark.genuine_only
def test_nodes_are_replaced_one_at_a_time_and_back(lab):
    """genuine pair -> one ours -> both ours -> one genuine -> genuine pair; only what was missed is copied."""
    r0 = lab.resource()
    r0.in_sync(primary=lab.n1)
    primary, loads = lab.n1, []
    for step, kind in enumerate(["ours", "ours", "genuine", "genuine"]):
        other = lab.other(primary)
        busy = load.Load(primary, r0.device(), writer=step + 1, first=4096, count=1024, seconds=60, seed=step)
        loads.append(busy)
        busy.wait_acked(50)
        r0.adm(other, "down")
        other.unload()
        other.choose(kind, kind)
        other.load()
        r0.up(other)
        r0.wait_synced(timeout=240)
        busy.finish()
        r0.assert_mirrored()
        r0.assert_oos(0)
        written = 4 * sum(busy.begun[sequence][1] for sequence in busy.acked)
        received = r0.status(other).nr
        # All of the 4 MiB that are written to, at most, and every write since.
        assert received <= 4096 + written, "%d KiB came, with %d KiB written" % (received, written)
        for node in lab.nodes:
            load.check(r0.image(node), loads)
        print("n1 %s, n2 %s: %d KiB came" % (lab.n1.module, lab.n2.module, received), flush=True)
        r0.adm(primary, "secondary")
        r0.adm(other, "primary")
        primary = other
