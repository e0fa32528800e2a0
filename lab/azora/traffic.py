#!/usr/bin/env python3
"""The shop's customers: a steady stream of requests from many addresses, and a log of what they got.

    traffic.py --to http://10.200.0.1:30080 --log traffic.jsonl [--rate 17] [--only ROUTE] [--times N]

Each line of the log is one request: t (seconds since the epoch, when the answer came), route, status (0 when there
was no HTTP answer), ms, and error where there was none. The log is what judges a drill: the one who asked writes it.
Without --times it goes on until it is ended; the log is cut at a size, the part before kept beside it once.
"""

import argparse
import http.client
import json
import queue
import random
import signal
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

ADDRESSES = [f"198.51.100.{n}" for n in range(1, 121)] + [f"203.0.113.{n}" for n in range(1, 121)]
PASSWORD = "correct horse"
TIMEOUT = 8.0
LOG_BYTES = 8_000_000

SHARES = {
    "GET /products": 50,
    "GET /products/{sku}": 50,
    "POST /login": 16,
    "POST /login (wrong password)": 2,
    "GET /orders": 40,
    "POST /checkout": 20,
    "POST /checkout (second currency)": 10,
    "GET /account": 3,
    "GET /orders/{order}/invoice": 3,
    "GET /health": 6,
}
"""How many of 200 requests: one in twenty is a cart in a second currency."""


@dataclass(frozen=True, kw_only=True)
class Customer:
    address: str
    email: str
    token: str
    order: str


class Shop:
    """What the customers remember between requests: who is logged in, what they ordered."""

    def __init__(self, base: str, *, direct: bool = False) -> None:
        self.direct = direct  # no proxy before it tells of another address
        self.host = urllib.parse.urlsplit(base).netloc
        self.lock = threading.Lock()
        self.customers: list[Customer] = []

    def visit(self, kind: str, chance: random.Random) -> tuple[str, int, str]:
        """One request: its route, its status, and what went wrong below HTTP."""
        route = kind.partition(" (")[0]
        address = chance.choice(ADDRESSES)
        email = f"user{chance.randint(1, 50000)}@example.com"
        customer = self.someone(chance, ordered="/invoice" in route)
        method, path = route.split(" ")
        body: Any = None
        if path == "/login":
            body = {"email": email, "password": "wrong" if "wrong" in kind else PASSWORD}
        elif path == "/checkout":
            body = {"items": [{"sku": f"sku-{4 * chance.randint(0, 9) + 1}", "quantity": 1}], "currency": "EUR"}
            if "second" in kind:
                body["currency"] = "GBP"
        elif path == "/products/{sku}":
            path = f"/products/sku-{chance.randint(1, 40)}"
        if path.startswith(("/orders", "/account", "/checkout")) and customer is None:
            route, method, path, body = "POST /login", "POST", "/login", {"email": email, "password": PASSWORD}
        elif path == "/orders/{order}/invoice":
            if customer is not None and not customer.order:
                route, method, path = "POST /checkout", "POST", "/checkout"
                body = {"items": [{"sku": "sku-1", "quantity": 1}], "currency": "EUR"}
            elif customer is not None:
                path = f"/orders/{customer.order}/invoice"
        token = customer.token if customer and not path.startswith("/login") else ""
        status, answer, error = self.ask(method, path, body=body, token=token, address=address)
        self.remember(path, status, answer, email=email, address=address, customer=customer)
        return route, status, error

    def someone(self, chance: random.Random, *, ordered: bool) -> Customer | None:
        with self.lock:
            found = [c for c in self.customers if c.order] if ordered else []
            return chance.choice(found or self.customers) if self.customers else None

    def remember(
        self, path: str, status: int, answer: Any, *, email: str, address: str, customer: Customer | None
    ) -> None:
        with self.lock:
            if path == "/login" and status == 200:
                self.customers.append(Customer(address=address, email=email, token=answer["token"], order=""))
                del self.customers[:-200]
            elif status == 401 and customer in self.customers:
                self.customers.remove(customer)
            elif path == "/checkout" and status == 200 and customer in self.customers:
                at = self.customers.index(customer)
                self.customers[at] = Customer(
                    address=customer.address, email=customer.email, token=customer.token, order=answer["order"]
                )

    def ask(self, method: str, path: str, *, body: Any, token: str, address: str) -> tuple[int, Any, str]:
        headers = {"Connection": "close", "Content-Type": "application/json"}
        if not self.direct:
            headers["X-Forwarded-For"] = address
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null"), ""
        except (OSError, http.client.HTTPException, ValueError) as e:
            return 0, None, f"{type(e).__name__}: {e}"
        finally:
            connection.close()


class Log:
    def __init__(self, path: Path) -> None:
        self.path, self.lock = path, threading.Lock()
        self.file: TextIO = path.open("a")

    def write(self, entry: dict[str, Any]) -> None:
        with self.lock:
            self.file.write(json.dumps(entry) + "\n")
            self.file.flush()
            if self.file.tell() > LOG_BYTES:
                self.file.close()
                self.path.replace(self.path.with_suffix(".before.jsonl"))
                self.file = self.path.open("a")


def deck(only: str | None, chance: random.Random) -> Iterator[str]:
    """The shares dealt like cards, so that any 200 requests in a row have about the same mix."""
    while True:
        cards = [only] if only else [kind for kind, share in SHARES.items() for _ in range(share)]
        chance.shuffle(cards)
        yield from cards


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--to", required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=17.0)
    parser.add_argument("--only", choices=list(SHARES))
    parser.add_argument("--times", type=int, default=0)
    parser.add_argument("--slows-to", type=float, default=0.0, help="after --times go on at this rate, and do not end")
    parser.add_argument("--direct", action="store_true", help="come as the machine that this is, not from many addresses")
    told = parser.parse_args()

    chance, shop, log = random.Random(7), Shop(told.to, direct=told.direct), Log(told.log)
    waiting: queue.Queue[str | None] = queue.Queue(maxsize=64)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())

    def work(seed: int) -> None:
        own = random.Random(seed)
        while (kind := waiting.get()) is not None:
            started = time.perf_counter()
            route, status, error = shop.visit(kind, own)
            entry = {
                "t": round(time.time(), 3),
                "route": route,
                "status": status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            }
            log.write(entry | ({"error": error} if error else {}))

    workers = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(24)]
    for worker in workers:
        worker.start()
    if told.only:  # a crowd that came for one page logs in first
        for _ in range(10):
            shop.visit("POST /login", chance)
    due, sent = time.monotonic(), 0
    for kind in deck(told.only, chance):
        slow = bool(told.times) and sent >= told.times
        if ended.is_set() or (slow and not told.slows_to):
            break
        due = max(due + 1 / (told.slows_to if slow else told.rate), time.monotonic() - 1)  # after a stall: no flood of what was missed
        ended.wait(max(0.0, due - time.monotonic()))
        try:
            waiting.put(kind, timeout=1)
        except queue.Full:
            continue  # everyone is still waiting for an answer
        sent += 1
    for _ in workers:
        waiting.put(None)
    for worker in workers:
        worker.join(timeout=TIMEOUT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
