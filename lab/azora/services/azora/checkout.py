"""What a cart costs, in the currency its buyer pays in."""

from typing import Any

from azora import errors

PER_EURO = {"EUR": 1.0, "USD": 1.08, "GBP": 0.86}


def total(items: list[dict[str, Any]], products: dict[str, dict[str, Any]], *, currency: str) -> int:
    """The sum in cents."""
    if currency not in PER_EURO:
        raise errors.HttpError(400, f"we do not sell in {currency}")
    return sum(price(products[item["sku"]], currency=currency) * int(item["quantity"]) for item in items)


def price(product: dict[str, Any], *, currency: str) -> int:
    cents, priced_in = product["price_cents"], product["currency"]
    if priced_in == currency:
        return int(cents)
    return round(int(cents) / PER_EURO[priced_in] * PER_EURO[currency])
