"""The front door: it knows who asks, limits how often, and asks the services behind it."""

from typing import Any

from azora import checkout, database, errors, limits, log, settings, tokens, upstream, web


def routes(config: settings.Settings) -> web.Routes:
    pool = database.Pool(config.database_url, size=config.database_pool_size, application="api-gateway")
    limit = limits.RateLimit(requests=config.rate_limit_requests, window=config.rate_limit_window)

    def within_limit(request: web.Request) -> None:
        if config.rate_limit_enabled and not limit.allows(request.client):
            log.warning(f"rate limit reached by {request.client}")
            raise errors.HttpError(429, "too many requests")

    def ask(service: str, method: str, path: str, body: Any = None) -> Any:
        timeout = config.payments_timeout_ms if service == "payments" else config.upstream_timeout_ms
        return upstream.ask(service, method, path, timeout_ms=timeout, body=body)

    def user_of(request: web.Request) -> int:
        """Who asks: a token that we signed, of a session that nobody ended."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        claims = tokens.claims(token, config.jwt_secret) if kind == "Bearer" else None
        if claims is None:
            log.warning(f"auth failed no valid token from {request.client}")
            raise errors.HttpError(401, "please log in")
        with pool.connection() as connection, database.measured("select", "session"):
            session = connection.execute(
                "SELECT user_id FROM sessions WHERE id = %s AND ended_at IS NULL", [claims["session"]]
            ).fetchone()
        if session is None:
            log.warning(f"auth failed session ended from {request.client}")
            raise errors.HttpError(401, "please log in")
        return int(session["user_id"])

    def login(request: web.Request) -> Any:
        body = request.body or {}
        try:
            return ask("identity", "POST", "/sessions", body)
        except errors.HttpError as e:
            if e.status == 401:
                log.warning(f"auth failed user={body.get('email')} from {request.client}")
            raise

    def account(request: web.Request) -> Any:
        return ask("identity", "GET", f"/users/{user_of(request)}")

    def products(request: web.Request) -> Any:
        return ask("catalog", "GET", "/products")

    def product(request: web.Request) -> Any:
        return ask("catalog", "GET", f"/products/{request.values['sku']}")

    def orders(request: web.Request) -> Any:
        return ask("payments", "GET", f"/users/{user_of(request)}/orders")

    def invoice(request: web.Request) -> Any:
        return ask("invoices", "GET", f"/users/{user_of(request)}/orders/{request.values['order']}/invoice")

    def check_out(request: web.Request) -> Any:
        user, cart = user_of(request), request.body or {}
        items, currency = cart.get("items") or [], cart.get("currency", "EUR")
        if not items:
            raise errors.HttpError(400, "the cart is empty")
        priced = {item["sku"]: ask("catalog", "GET", f"/products/{item['sku']}") for item in items}
        cents = checkout.total(items, priced, currency=currency)
        return ask("payments", "POST", "/charges", {"user": user, "cents": cents, "currency": currency})

    def health_of(request: web.Request) -> Any:
        service = request.values["service"]
        if service not in ("identity", "payments", "catalog", "invoices"):
            raise errors.HttpError(404, f"no such service: {service}")
        return ask(service, "GET", "/health")

    found = web.Routes("api-gateway", before=within_limit)
    found.add("GET", "/health/{service}", health_of)
    found.add("POST", "/login", login)
    found.add("GET", "/account", account)
    found.add("GET", "/products", products)
    found.add("GET", "/products/{sku}", product)
    found.add("GET", "/orders", orders)
    found.add("GET", "/orders/{order}/invoice", invoice)
    found.add("POST", "/checkout", check_out)
    return found
