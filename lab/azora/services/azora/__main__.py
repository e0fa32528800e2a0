"""python -m azora SERVICE: one of api-gateway, identity, payments, catalog, invoices."""

import sys

from azora import catalog, gateway, identity, invoices, log, payments, settings, web

SERVICES = {
    "api-gateway": gateway.routes,
    "identity": identity.routes,
    "payments": payments.routes,
    "catalog": catalog.routes,
    "invoices": invoices.routes,
}


def main() -> int:
    service = sys.argv[1]
    try:
        config = settings.read(service)
    except settings.MissingSetting as e:
        log.error(f"{service} cannot start: {e}")
        return 1
    web.serve(SERVICES[service](config), port=config.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
