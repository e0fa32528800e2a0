"""How masking grows with a hostile text: each word that announces a credential, repeated, at one length and at twice that.

python -m benchmarks.masking
"""

from __future__ import annotations

import sys
import time

from handrail.targets import carriers, shapes
from handrail.targets.makers import KEYS_OF_MAKERS

SHORT = 200_000  # characters
MOST = 3.0  # times the processor time for twice the length
TOO_FAST = 0.02  # seconds that no ratio can be told from
UNITS = (
    [
        "://",
        "://a:",
        "://a:b@",
        "://:@",
        "password=",
        'password": "',
        '\\"token\\":\\"',
        "token ",
        "-----BEGIN PRIVATE KEY-----",
    ]
    + [
        "eyJ",
        "eyJaaaaaaa.",
        "Authorization: ",
        "bearer a",
        "basic A",
        "cookie: a=b; ",
        "-u a:",
        '"',
        "'",
        "\\",
        '\\"',
        "\n",
        "\t",
    ]
    + [
        "a,password\n",
        "a|password|\n",
        "kind: Secret\ndata:\n  a: b\n",
        "\x1b[1m",
        "insert into a (b) values (",
        "$6$",
        "a:5432:a:a:",
    ]
    + [carrier.anchor for carrier in carriers.CARRIERS]
    + [anchor for shape in shapes.SHAPES for anchor in shape.anchors]
    + [shape.anchors[0] for shape in KEYS_OF_MAKERS]
    + list(shapes.ENDINGS)
)


def cost(text: str) -> float:
    """Seconds of processor time, the better of two."""
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        shapes.spans(text)
        best = min(best, time.process_time() - began)
    return best


def main() -> int:
    """Exit status 1 where one grows faster than its length allows."""
    slowest, wrong = ("", 0.0), []
    for unit in dict.fromkeys(UNITS):
        many = SHORT // len(unit)
        short = cost(unit * many)
        ratio = cost(unit * many * 2) / short if short > TOO_FAST else 0.0
        slowest = max(slowest, (unit, short), key=lambda one: one[1])
        if ratio > MOST:
            wrong.append(f"{unit!r}: {ratio:.1f} times for twice the length")
    print(
        f"{len(set(UNITS))} hostile texts of {SHORT} characters; the slowest, {slowest[0]!r}, {slowest[1]:.2f} s of processor time"
    )
    print(*wrong, sep="\n") if wrong else print(f"none takes more than {MOST:.0f} times as long for twice the length")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
