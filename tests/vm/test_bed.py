# SPDX-License-Identifier: GPL-2.0
"""The bed's own promises, without a node."""

import socket
import struct
import threading
import types

import agent
import load
import pytest

LINES = 20000


def test_all_that_a_node_said_before_it_lost_power_is_heard(tmp_path):
    path = str(tmp_path / "port")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    said = threading.Event()

    def node():
        peer, _ = server.accept()
        peer.sendall(agent.FRAME.pack(0, agent.HELLO, 0))
        number, _, length = agent.FRAME.unpack(peer.recv(agent.FRAME.size, socket.MSG_WAITALL))
        peer.recv(length, socket.MSG_WAITALL)
        for line in range(LINES):
            peer.sendall(agent.FRAME.pack(number, agent.STDOUT, 4) + struct.pack("<I", line))
            if line == LINES // 2:
                said.set()
        peer.close()

    threading.Thread(target=node, daemon=True).start()
    heard = []
    ours = agent.Agent("n1", path)
    ours.connect(10, lambda: True)
    job = ours.start("load", sink=lambda kind, data: heard.append(struct.unpack("<I", data)[0]))
    assert said.wait(10)
    ours.close()
    assert job.gone and not job.running()
    assert heard == list(range(LINES))


def content(writer, block, sequence):
    base = load.mix((block * 0x9e3779b97f4a7c15 & load.MASK) ^ writer << 56 ^ sequence)
    words = [load.MAGIC << 32 | writer, block, sequence] + [base + index & load.MASK for index in range(3, load.WORDS)]
    return load.ALL.pack(*words)


@pytest.mark.parametrize("acked,lost_cache,fine", [({1}, True, True), ({1}, False, False), ({1, 2}, True, False)])
def test_only_what_was_not_acknowledged_may_be_torn_and_only_with_the_cache(tmp_path, acked, lost_cache, fine):
    one = types.SimpleNamespace(writer=1, begun={1: (0, 1), 2: (0, 1)}, acked=acked, job=types.SimpleNamespace(gone=True))
    image = tmp_path / "image"
    image.write_bytes(content(1, 0, 2)[:512] + content(1, 0, 1)[512:])
    if fine:
        assert load.check(str(image), [one], lost_cache=lost_cache) == 1
    else:
        with pytest.raises(AssertionError, match="torn"):
            load.check(str(image), [one], lost_cache=lost_cache)
    image.write_bytes(content(1, 0, 2))
    assert load.check(str(image), [one], lost_cache=lost_cache) == 1
