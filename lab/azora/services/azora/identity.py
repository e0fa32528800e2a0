"""Who the users are, and which sessions they have."""

import hashlib
import uuid
from typing import Any

from azora import database, errors, settings, tokens, web

SESSIONS_KEPT = "2 hours"


def routes(config: settings.Settings) -> web.Routes:
    pool = database.Pool(config.database_url, size=config.database_pool_size, application="identity")

    def log_in(request: web.Request) -> Any:
        body = request.body or {}
        email, password = str(body.get("email")), str(body.get("password"))
        with pool.connection() as connection:
            with database.measured("select", "user"):
                user = connection.execute("SELECT * FROM users WHERE email = %s", [email]).fetchone()
            if user is None or user["password_hash"] != hashed(password, salt=user["salt"]):
                raise errors.HttpError(401, "email or password is wrong")
            session = str(uuid.uuid4())
            with database.measured("insert", "session"):
                connection.execute("INSERT INTO sessions (id, user_id) VALUES (%s, %s)", [session, user["id"]])
            with database.measured("delete", "session"):
                connection.execute(f"DELETE FROM sessions WHERE created_at < now() - interval '{SESSIONS_KEPT}'")
        return {"token": tokens.sign({"session": session}, config.jwt_secret)}

    def user(request: web.Request) -> Any:
        with pool.connection() as connection, database.measured("select", "user"):
            found = connection.execute(
                "SELECT id, email, name FROM users WHERE id = %s", [request.values["id"]]
            ).fetchone()
        if found is None:
            raise errors.HttpError(404, "no such user")
        return found

    found = web.Routes("identity")
    found.add("POST", "/sessions", log_in)
    found.add("GET", "/users/{id}", user)
    return found


def hashed(password: str, *, salt: str) -> str:
    """Good enough for a sample's invented passwords; a real shop wants a slow hash."""
    return hashlib.sha256((salt + password).encode()).hexdigest()
