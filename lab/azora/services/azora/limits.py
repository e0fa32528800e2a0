"""How many requests one address may make in a window."""

import threading
import time


class RateLimit:
    def __init__(self, *, requests: int, window: float) -> None:
        self._requests, self._window = requests, window
        self._seen: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        now = time.monotonic()
        with self._lock:
            if len(self._seen) > 10_000:
                self._seen = {a: (since, n) for a, (since, n) in self._seen.items() if now - since < self._window}
            since, count = self._seen.get(address, (now, 0))
            if now - since >= self._window:
                since, count = now, 0
            self._seen[address] = (since, count + 1)
        return count < self._requests
