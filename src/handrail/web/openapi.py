"""The API as an OpenAPI 3.1 document, made from the routes that there are: each with who may ask, its fields and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from handrail.web import problem, verbs
from handrail.web.policy import Policy

JSON = "application/json"
PARAMETER = re.compile(r"\{(\w+)\}")
PARAMETERS = {
    "incident": ("An incident's name.", r"^[Ii]-\d+$", "I-12"),
    "run": ("A run's name.", r"^[Rr]-\d+$", "R-12"),
    "plan": ("A plan's hash, or the first letters of it.", r"^[0-9a-f]{1,64}$", "7f3a91c2"),
    "task": ("A task's number.", r"^\d+$", "3"),
    "kind": ("Whose messages: another sender's shape is read as theirs.", r"^[a-z]+$", "grafana"),
    "source": ("The source's name, as in the settings.", r"^[\w.-]+$", "alertmanager"),
}
READS = {
    "/incidents": "All incidents, newest first.",
    "/incidents/{incident}": "What the incident's page says, as data.",
    "/incidents/{incident}/news": "What happened after a line of the record, in sentences, and where the incident stands.",
    "/incidents/{incident}/plans": "The plans of an incident, run by run.",
    "/incidents/{incident}/retrospective.ics": "The date of the retrospective, for a calendar.",
    "/incidents/{incident}/times": "Seconds from the alert to each phase that was reached.",
    "/incidents/{incident}/review": "The post-incident review, as Markdown.",
    "/runs/{run}": "One run with its remedies, plans and evidence.",
    "/runs/{run}/plans": "The plans of a run.",
    "/plans/{plan}": "One plan, how long its commands may take, and whether its document was edited since.",
    "/report": "How fresh each runbook is: when it was drilled and used, and how that ended.",
    "/events": "Tell of an event, as a pipeline would by the signed webhook.",
    "/openapi.json": "This document.",
}
QUERIES: Mapping[str, tuple[tuple[str, dict[str, Any], str], ...]] = {
    "/incidents": (
        ("status", {"enum": ["open", "closed"]}, "Only these."),
        ("says", {"enum": ["yes"]}, "Each with what is wrong, as its page says it."),
    ),
    "/incidents/{incident}/news": (("after", {"type": "integer"}, "The last line that is known already."),),
}
EVENT = {
    "type": "object",
    "required": ["event"],
    "properties": {
        "event": {"type": "object", "description": "A CloudEvent 1.0."},
        "source": {"type": "string", "description": "A source of handrail.yaml; left out, the person."},
    },
}
TOKEN, SOURCE = "person", "source"
SECURITY: Mapping[Policy, list[dict[str, list[str]]]] = {
    Policy.PUBLIC: [],
    Policy.SOURCE: [{SOURCE: []}],
    Policy.READER: [{TOKEN: []}],
    Policy.RESPONDER: [{TOKEN: []}],
    Policy.APPROVER: [{TOKEN: []}],
}
VERB_REFUSALS = (400, 401, 403, 404, 409, 413, 415, 421, 422, 429, 503)
READ_REFUSALS = (401, 404, 421, 422, 429, 503)
HOOK_REFUSALS = (400, 401, 413, 415, 421, 422, 429, 503)


def document(policies: Mapping[tuple[str, str], Policy], *, base: str) -> dict[str, Any]:
    """The document of every route below `base`."""
    paths: dict[str, dict[str, Any]] = {}
    by_path = {f"{base}{verb.path}": verb for verb in verbs.VERBS}
    for (method, path), policy in sorted(policies.items()):
        if path.startswith(f"{base}/"):
            paths.setdefault(path, {})[method.lower()] = _operation(
                method, path, policy, by_path.get(path), below=path.removeprefix(base)
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Handrail",
            "version": metadata.version("handrail"),
            "description": "Incidents, runs and plans, and the verbs that people have. Errors are problem+json (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                TOKEN: {"type": "http", "scheme": "bearer", "description": "A person's token."},
                SOURCE: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A source's own token; one that signs its bodies brings its signature instead.",
                },
            },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string", "description": "A sentence that says what to do."},
                    },
                },
                "Done": {
                    "type": "object",
                    "required": ["done", "says"],
                    "properties": {"done": {"const": True}, "says": {"type": "string"}},
                },
            },
        },
    }


def _operation(method: str, path: str, policy: Policy, verb: verbs.Verb | None, *, below: str) -> dict[str, Any]:
    hook = policy is Policy.SOURCE
    refusals = HOOK_REFUSALS if hook else VERB_REFUSALS if method == "POST" else READ_REFUSALS
    answers: dict[str, Any] = {
        str(status): {
            "description": problem.TITLES[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in refusals
    }
    made: dict[str, Any] = {
        "operationId": verb.name if verb is not None else _name(method, below),
        "summary": verb.says if verb is not None else READS.get(below, "Alerts, as a monitoring system posts them."),
        "description": f"For {policy}.",
        "security": SECURITY[policy],
        "parameters": [_parameter(name) for name in PARAMETER.findall(path)],
        "responses": answers,
    }
    made["parameters"] += [
        {"name": name, "in": "query", "schema": schema, "description": says}
        for name, schema, says in QUERIES.get(below, ())
    ]
    if hook or below == "/events":
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": {} if hook else EVENT}}}
        answers["202"] = {"description": "Stored.", "content": {"application/json": {"schema": {"type": "object"}}}}
    elif verb is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _body(verb)}}}
        answers["200"] = {
            "description": "Done.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}},
        }
    else:
        kind = {"review": "text/markdown", "retrospective.ics": "text/calendar"}.get(below.rpartition("/")[2], JSON)
        answers["200"] = {"description": "What was asked for.", "content": {kind: {"schema": {}}}}
    return made


def _parameter(name: str) -> dict[str, Any]:
    says, pattern, example = PARAMETERS.get(name, ("", "", ""))
    schema = {
        "type": "string",
        **({"pattern": pattern} if pattern else {}),
        **({"examples": [example]} if example else {}),
    }
    return {"name": name, "in": "path", "required": True, "description": says or name, "schema": schema}


def _body(verb: verbs.Verb) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {one.name: {**one.schema, "description": one.says} for one in verb.fields},
        "required": [one.name for one in verb.fields if one.needed],
    }


def _name(method: str, below: str) -> str:
    words = [word for word in re.split(r"[/{}.]+", below) if word]
    return "_".join([method.lower(), *words])
