# SPDX-License-Identifier: GPL-2.0
"""The bed's own promises, without a node."""

import socket
import struct
import threading

import agent

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
