"""Nothing leaves the machine: a network of its own for vaultbot, whose only way out counts what is sent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.machine import Machine

ROOT = Path(__file__).parent.parent
GARDEN = ROOT / "examples" / "garden"

#: A card that leads nowhere, with a route for all addresses and a name server behind it. So what looks up a name or
#: connects to any address is counted.
NETWORK = """
set -e
ip link set lo up
ip link add out type veth peer name far
ip link set out addrgenmode none
ip link set far addrgenmode none
ip addr add 192.0.2.1/24 dev out
ip link set out up
ip link set far up
ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out
ip route add default via 192.0.2.2
echo "nameserver 192.0.2.53" > resolv.conf
mount --bind resolv.conf /etc/resolv.conf
sent() { sed -n 's/^ *out://p' /proc/net/dev | awk '{ print "sent", $10 }'; }
"""

USE = """
trap 'vaultbot stop > /dev/null 2>&1' EXIT
vaultbot() { "$PYTHON" -P -m vaultbot --vault "$VAULT" "$@"; }
sent
vaultbot index
vaultbot ask "what is quantization?"
vaultbot ask "What is the capital of France?"
vaultbot search "soil pH"
vaultbot suggest-links "Tomato" --dry-run
vaultbot models list
vaultbot status
vaultbot stop
sent
"""

LOOK_UP = """
"$PYTHON" -c 'import socket; socket.getaddrinfo("example.org", 443)' 2> /dev/null || true
sent
"""


def in_own_network(machine: Machine, script: str) -> subprocess.CompletedProcess[str]:
    """Run it there; skipped where this system does not let a user have a network of his own."""
    tools = [tool for tool in ("unshare", "ip", "mount", "awk", "sed") if shutil.which(tool) is None]
    if sys.platform != "linux" or tools:
        pytest.skip(f"needs Linux and {', '.join(tools)}")
    alone = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c"]
    ready = subprocess.run([*alone, NETWORK], cwd=machine.folder, capture_output=True, text=True, check=False)
    if ready.returncode != 0:
        pytest.skip(f"this system gives no network of one's own: {ready.stderr.strip()}")
    own = {name: value for name, value in machine.env().items() if name.startswith("VAULTBOT_")}
    # Nothing of the real environment: some libraries are quiet where they see that tests run.
    env = {"PATH": os.environ["PATH"], "HOME": str(machine.folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)} | own
    env |= {"PYTHON": sys.executable, "VAULT": str(machine.vault)}
    return subprocess.run(
        [*alone, NETWORK + script], cwd=machine.folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(900)  # The first index exports the embedding model, which takes a busy machine minutes.
def test_indexing_and_asking_send_nothing_out_of_the_machine(tmp_path: Path) -> None:
    machine = Machine(tmp_path, environment={})
    shutil.copytree(GARDEN, machine.vault)

    ran = in_own_network(machine, USE)

    assert ran.returncode == 0, ran.stderr
    assert "quantization" in ran.stdout.lower()
    assert "SmolLM2" in ran.stdout  # The language model was asked, too.
    before, after = re.findall(r"^sent (\d+)$", ran.stdout, re.MULTILINE)
    assert after == before
    # Nor is anything left behind elsewhere, such as a number by which this machine could be known again.
    left = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"home", "Notes", "resolv.conf"}


def test_the_count_does_see_a_look_up(tmp_path: Path) -> None:
    ran = in_own_network(Machine(tmp_path), f"sent\n{LOOK_UP}")

    before, after = re.findall(r"^sent (\d+)$", ran.stdout, re.MULTILINE)
    assert int(after) > int(before), ran.stderr
