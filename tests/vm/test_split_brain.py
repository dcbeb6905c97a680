# SPDX-License-Identifier: GPL-2.0
"""Both nodes wrote alone: each policy chooses the same survivor as in the original, and the other one follows it."""

import pytest

pytestmark = [pytest.mark.mixed, pytest.mark.long]

MIB = 1 << 20


class Split:
    """n1 was Primary when the link went; n2 was promoted afterwards. Each writes where the other does not."""

    def __init__(self, lab, policies, fills=(1, 2), stay=()):
        net = dict({"allow-two-primaries": "yes"} if len(stay) == 2 else {}, **policies)
        self.lab = lab
        self.r0 = lab.resource(net=net, extra='  handlers { split-brain "touch /run/split-brain";'
                                              ' pri-lost-after-sb "touch /run/lost"; }\n')
        for node in lab.nodes:
            node.run("rm -f /run/split-brain /run/lost")
        r0 = self.r0
        r0.in_sync(primary=lab.n1)
        lab.bed.n1.cut_link()
        r0.wait(cs="WFConnection")
        r0.adm(lab.n2, "primary")
        for node, mebibytes, seek in zip(lab.nodes, fills, (8, 16)):
            if mebibytes:
                r0.fill(node, mebibytes, seek=seek)
        for node in lab.nodes:
            if node not in [lab.nodes[index] for index in stay]:
                r0.adm(node, "secondary")
        r0.settle()
        self.before = [self.content(node) for node in lab.nodes]

    def content(self, node):
        with open(self.r0.image(node), "rb") as disk:
            disk.seek(8 * MIB)
            return disk.read(16 * MIB)

    def heals_to(self, winner):
        self.lab.bed.n1.restore_link()
        self.r0.wait_synced(timeout=240)
        self.r0.assert_mirrored()
        self.r0.assert_oos(0)
        assert self.content(self.lab.n1) == self.before[winner], "the other node's data survived"

    def stays(self):
        """Nobody's data are touched, and it is told."""
        self.lab.bed.n1.restore_link()
        self.lab.n1.wait_for("somebody alone", lambda: "StandAlone" in {
            self.r0.status(node).cs for node in self.lab.nodes}, 240)
        self.r0.wait(cs=("StandAlone", "WFConnection"))
        assert [self.content(node) for node in self.lab.nodes] == self.before


# n1's bitmap UUID says that it was Primary as the link went, n2's that it was not: n2 is the younger Primary.
@pytest.mark.parametrize("policy,fills,winner", [
    ("discard-younger-primary", (1, 2), 0),
    ("discard-older-primary", (1, 2), 1),
    ("discard-zero-changes", (0, 1), 1),
    ("discard-zero-changes", (1, 0), 0),
    ("discard-least-changes", (1, 2), 1),
    ("discard-least-changes", (2, 1), 0),
])
def test_no_primary_left(lab, policy, fills, winner):
    Split(lab, {"after-sb-0pri": policy}, fills).heals_to(winner)


def test_changes_on_both_are_no_zero_changes(lab):
    Split(lab, {"after-sb-0pri": "discard-zero-changes"}).stays()


@pytest.mark.parametrize("primary", [0, 1])
def test_the_secondary_is_discarded(lab, primary):
    Split(lab, {"after-sb-1pri": "discard-secondary"}, stay=(primary,)).heals_to(primary)


@pytest.mark.parametrize("primary", [0, 1])
def test_consensus_only_against_the_secondary(lab, primary):
    split = Split(lab, {"after-sb-0pri": "discard-least-changes", "after-sb-1pri": "consensus"}, stay=(primary,))
    if primary == 1:
        split.heals_to(1)
    else:
        split.stays()


def test_a_primary_is_no_target_without_rr_conflict(lab):
    Split(lab, {"after-sb-0pri": "discard-younger-primary", "after-sb-1pri": "violently-as0p"}, stay=(1,)).stays()


def test_two_primaries_are_left_alone(lab):
    Split(lab, {"after-sb-0pri": "discard-least-changes", "after-sb-1pri": "discard-secondary"}, stay=(0, 1)).stays()


def test_two_primaries_violently(lab):
    Split(lab, {"after-sb-0pri": "discard-least-changes", "after-sb-2pri": "violently-as0p", "rr-conflict": "violently"},
          stay=(0, 1)).heals_to(1)


def test_discard_my_data_yields_to_a_policy(lab):
    split = Split(lab, {"after-sb-0pri": "discard-younger-primary"})
    split.r0.adm(lab.n1, "disconnect")
    split.r0.adm(lab.n1, "connect", "--discard-my-data")
    split.heals_to(0)


@pytest.mark.parametrize("loser", [0, 1])
def test_discard_my_data(lab, loser):
    split = Split(lab, {})
    node = lab.nodes[loser]
    split.r0.adm(node, "disconnect")
    split.r0.adm(node, "connect", "--discard-my-data")
    split.heals_to(1 - loser)


def test_a_tentative_connection_changes_nothing(lab):
    split = Split(lab, {"after-sb-0pri": "discard-younger-primary"})
    split.r0.adm(lab.n1, "disconnect")
    split.r0.adm(lab.n1, "connect", "--tentative")
    split.stays()


def test_unrelated_data_are_refused(lab):
    r0 = lab.resource()
    r0.create()
    for node in lab.nodes:
        r0.up(node)
        r0.adm(node, "disconnect")
        r0.adm(node, "primary", "--force")
        r0.fill(node, 1)
        r0.adm(node, "secondary")
        # A second generation, so that not even "just created" is common to both.
        for _ in range(3):
            node.run("drbdadm new-current-uuid r0/0")
    before = [r0.uuids(node) for node in lab.nodes]
    for node in lab.nodes:
        r0.adm(node, "connect", check=False)
    lab.n1.wait_for("somebody alone", lambda: "StandAlone" in {r0.status(node).cs for node in lab.nodes}, 240)
    r0.wait(cs=("StandAlone", "WFConnection"))
    assert [r0.uuids(node) for node in lab.nodes] == before
    assert r0.differences()
