"""What was paid: a charge becomes an order."""

import hashlib
import hmac
import uuid
from typing import Any

from azora import database, settings, web


def routes(config: settings.Settings) -> web.Routes:
    pool = database.Pool(config.database_url, size=config.database_pool_size, application="payments")

    def charge(request: web.Request) -> Any:
        body = request.body or {}
        order = str(uuid.uuid4())
        with pool.connection() as connection, database.measured("insert", "order"):
            connection.execute(
                "INSERT INTO orders (id, user_id, total_cents, currency, receipt) VALUES (%s, %s, %s, %s, %s)",
                [order, body["user"], body["cents"], body["currency"], receipt(order, config.stripe_key)],
            )
        return {"order": order, "cents": body["cents"], "currency": body["currency"]}

    def orders(request: web.Request) -> Any:
        with pool.connection() as connection, database.measured("select", "order"):
            found = connection.execute(
                "SELECT id, total_cents, currency, created_at FROM orders WHERE user_id = %s"
                " ORDER BY created_at DESC LIMIT 10",
                [request.values["user"]],
            ).fetchall()
        return {"orders": found}

    found = web.Routes("payments")
    found.add("POST", "/charges", charge)
    found.add("GET", "/users/{user}/orders", orders)
    return found


def receipt(order: str, key: str) -> str:
    """Stands for what the card network would answer: signed with our key for it."""
    return hmac.digest(key.encode(), order.encode(), hashlib.sha256).hex()
