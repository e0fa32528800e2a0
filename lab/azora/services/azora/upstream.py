"""How the gateway asks the services behind it."""

import http.client
import json
import time
from typing import Any

from azora import errors, log

PORT = 8080
PATIENCE = 5.0
"""Seconds for which a service that cannot be reached is waited for: as long as it takes to replace its only replica."""


def ask(service: str, method: str, path: str, *, timeout_ms: int, body: Any = None) -> Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection(service, PORT, timeout=1)
        may_repeat = True
        try:
            connection.connect()
            may_repeat = method == "GET"  # from here on the service may have done what it was asked
            connection.sock.settimeout(timeout_ms / 1000)
            status, answer = exchange(connection, method, path, body=body)
            break
        except (OSError, http.client.HTTPException, ValueError) as e:
            late = isinstance(e, TimeoutError) and connection.sock is not None
            if may_repeat and not late and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            raise refused(service, path, e, late=late, timeout_ms=timeout_ms) from e
        finally:
            connection.close()
    if status >= 400:
        raise errors.HttpError(status, str(answer.get("error", "")))
    return answer


def exchange(connection: http.client.HTTPConnection, method: str, path: str, *, body: Any) -> tuple[int, Any]:
    text = None if body is None else json.dumps(body)
    connection.request(method, path, body=text, headers={"Content-Type": "application/json", "Connection": "close"})
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"null")


def refused(service: str, path: str, error: Exception, *, late: bool, timeout_ms: int) -> errors.HttpError:
    if late:
        log.error(f"api-gateway upstream error: {service} {path} did not answer within {timeout_ms} ms")
        return errors.HttpError(504, f"{service} did not answer in time")
    log.error(f"api-gateway upstream error: {service} {path}: {error}")
    return errors.HttpError(502, f"{service} cannot be reached")
