"""What the shop sells."""

from typing import Any

from azora import database, errors, settings, web


def routes(config: settings.Settings) -> web.Routes:
    pool = database.Pool(config.database_url, size=config.database_pool_size, application="catalog")

    def products(request: web.Request) -> Any:
        with pool.connection() as connection, database.measured("select", "product"):
            found = connection.execute(
                "SELECT sku, name, price_cents, currency FROM products ORDER BY sku LIMIT 20"
            ).fetchall()
        return {"products": found}

    def product(request: web.Request) -> Any:
        with pool.connection() as connection, database.measured("select", "product"):
            found = connection.execute(
                "SELECT sku, name, price_cents, currency FROM products WHERE sku = %s", [request.values["sku"]]
            ).fetchone()
        if found is None:
            raise errors.HttpError(404, "no such product")
        return found

    found = web.Routes("catalog")
    found.add("GET", "/products", products)
    found.add("GET", "/products/{sku}", product)
    return found
