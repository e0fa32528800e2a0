"""How the gateway asks the services behind it."""

import http.client
import json
from typing import Any

from azora import log, web

PORT = 8080


def ask(service: str, method: str, path: str, *, timeout_ms: int, body: Any = None) -> Any:
    connection = http.client.HTTPConnection(service, PORT, timeout=timeout_ms / 1000)
    try:
        connection.request(
            method,
            path,
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json", "Connection": "close"},
        )
        response = connection.getresponse()
        answer = json.loads(response.read() or b"null")
    except TimeoutError as e:
        log.error(f"api-gateway upstream error: {service} {path} did not answer within {timeout_ms} ms")
        raise web.HttpError(504, f"{service} did not answer in time") from e
    except (OSError, http.client.HTTPException, ValueError) as e:
        log.error(f"api-gateway upstream error: {service} {path}: {e}")
        raise web.HttpError(502, f"{service} cannot be reached") from e
    finally:
        connection.close()
    if response.status >= 400:
        raise web.HttpError(response.status, str(answer.get("error", "")))
    return answer
