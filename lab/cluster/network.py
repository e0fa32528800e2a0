"""The node's bridge, and the firewall rules that Kubernetes and CNI leave: how they come and how they go."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import layout

# What the lab needs set, and puts back: packets pass from pod to pod and out of the bridge through the firewall, so
# that a Service's answer is translated back also where both pods are on the bridge.
SWITCHES = ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables")


def put_up(run: Path) -> None:
    """Make the bridge and hold the node's address; the kubelet refuses an address that no interface has."""
    if not (Path("/sys/class/net") / layout.BRIDGE).exists():
        ip("link", "add", layout.BRIDGE, "type", "bridge")
    ip("addr", "replace", f"{layout.GATEWAY}/24", "dev", layout.BRIDGE)
    ip("link", "set", layout.BRIDGE, "up")
    before = run / "switches.json"
    if not before.exists():
        found = {name: Path("/proc/sys", name).read_text() for name in SWITCHES if Path("/proc/sys", name).exists()}
        before.write_text(json.dumps(found))
    for name in SWITCHES:
        switch = Path("/proc/sys", name)
        if switch.exists():
            switch.write_text("1")


def take_down(run: Path) -> None:
    for interface in Path("/sys/class/net").iterdir():
        # A pod's end of a pair goes with its namespace; the node's end may outlive it for a moment.
        if (interface / "brport/bridge").exists() and (interface / "brport/bridge").resolve().name == layout.BRIDGE:
            ip("link", "del", interface.name, check=False)
    if (Path("/sys/class/net") / layout.BRIDGE).exists():
        ip("link", "del", layout.BRIDGE, check=False)
    for family in ("iptables", "ip6tables"):
        sweep_rules(family)
    before = run / "switches.json"
    if before.exists():
        for name, value in json.loads(before.read_text()).items():
            Path("/proc/sys", name).write_text(value)
        before.unlink()


def sweep_rules(family: str) -> None:
    """Remove every KUBE- chain, the CNI- chains of this lab's network, and each rule that leads to one."""
    for table in ("nat", "filter", "mangle", "raw"):
        saved = subprocess.run([f"{family}-save", "-t", table], capture_output=True, text=True, check=False).stdout
        if removal := removal_of(saved):
            text = "\n".join([f"*{table}", *removal, "COMMIT", ""])
            subprocess.run([f"{family}-restore", "--noflush"], input=text, text=True, capture_output=True, check=False)


def removal_of(saved: str) -> list[str]:
    """The lines for iptables-restore that undo the lab's part of a table, as iptables-save printed it."""
    rules = [line for line in saved.splitlines() if line.startswith("-A ")]
    chains = [line[1:].split()[0] for line in saved.splitlines() if line.startswith(":")]
    own = {chain for chain in chains if chain.startswith("KUBE-")}
    for rule in rules:
        if f'name: \\"{layout.NETWORK}\\"' in rule:
            own |= set(re.findall(r"\bCNI-[0-9a-f]{24}\b", rule))
    leading = [
        "-D" + rule[2:]
        for rule in rules
        if rule.split()[1] not in own and (target := re.search(r" -[jg] (\S+)", rule)) and target[1] in own
    ]
    return [*leading, *(f"-F {chain}" for chain in sorted(own)), *(f"-X {chain}" for chain in sorted(own))]


def ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=not check)
