"""The invoice of an order."""

from typing import Any

from azora import database, errors, settings, web


def routes(config: settings.Settings) -> web.Routes:
    pool = database.Pool(config.database_url, size=config.database_pool_size, application="invoices")

    def invoice(request: web.Request) -> Any:
        with pool.connection() as connection:
            found = order_of(connection, request)
        return {"invoice": found["receipt"], "cents": found["total_cents"], "currency": found["currency"]}

    def order_of(connection: Any, request: web.Request) -> database.Row:
        with database.measured("select", "order"):
            found: database.Row | None = connection.execute(
                "SELECT * FROM orders WHERE id = %s AND user_id = %s", [request.values["order"], request.values["user"]]
            ).fetchone()
        if found is None:
            raise errors.HttpError(404, "no such order")
        return found

    found = web.Routes("invoices")
    found.add("GET", "/users/{user}/orders/{order}/invoice", invoice)
    return found
