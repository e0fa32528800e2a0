"""Amazon SNS: its envelope, and what CloudWatch puts into it. Other messages of a topic are alerts by their subject.

https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from handrail.alerts.letter import Letter
from handrail.alerts.model import Alert, Aside, Notification
from handrail.alerts.reading import FIRING, RESOLVED, Reading, as_it_came, as_text, digest

SNS = "Amazon SNS"
NOTIFICATION, CONFIRMATION, ENDED = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"


def fits(raw: object) -> bool:
    """An envelope, or an alarm that was delivered without one."""
    return isinstance(raw, dict) and (("TopicArn" in raw and "Type" in raw) or _is_alarm(raw))


def unwrapped(raw: Mapping[str, Any]) -> Any:
    """What its envelope holds, where that is JSON."""
    message = raw.get("Message")
    if not isinstance(message, str) or raw.get("Type") != NOTIFICATION:
        return None
    try:
        return json.loads(message, strict=False)
    except (ValueError, RecursionError):
        return None


def read(raw: Any, letter: Letter) -> Notification:
    """The alert that a message is."""
    if raw.get("Type") == CONFIRMATION:
        reason = (
            f"the subscription to {as_text(raw.get('TopicArn'))[:200]} waits to be confirmed: "
            "name the topic in the source's `topics`, or open its SubscribeURL"
        )
        return Notification(alerts=(), aside=(Aside(alert=0, reason=reason, text=as_it_came(raw)),), sender=SNS)
    inner = raw if _is_alarm(raw) else unwrapped(raw)
    reading = letter.reading(0)
    alert = _alarm(inner, raw, letter, reading) if _is_alarm(inner) else _message(raw, letter, reading)
    return Notification(alerts=(alert,), sender=SNS)


def _is_alarm(raw: object) -> bool:
    return isinstance(raw, dict) and "AlarmName" in raw and "NewStateValue" in raw


def _alarm(raw: Mapping[str, Any], envelope: Mapping[str, Any], letter: Letter, reading: Reading) -> Alert:
    """CloudWatch's. What it has no data for fires: nobody knows that it is well."""
    name = reading.name(reading.text(raw["AlarmName"], "AlarmName") if raw["AlarmName"] is not None else None)
    state = as_text(raw["NewStateValue"]).strip().upper()
    if state not in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        reading.status(raw["NewStateValue"])
    over = state == "OK"
    at = reading.start(raw.get("StateChangeTime") or envelope.get("Timestamp"), "StateChangeTime")
    given = raw.get("Trigger")
    trigger: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    told = {
        **_dimensions(trigger.get("Dimensions")),
        "alertname": name,
        "account": raw.get("AWSAccountId"),
        "region": raw.get("Region"),
        "metric": trigger.get("MetricName"),
        "metric_namespace": trigger.get("Namespace"),
        "state": state,
    }
    labels = {key: reading.text(as_text(value), key) for key, value in told.items() if value not in (None, "")}
    texts = {"summary": raw.get("NewStateReason"), "description": raw.get("AlarmDescription")}
    known = raw.get("AlarmArn") or [raw.get("AWSAccountId"), raw.get("Region"), raw.get("AlarmName")]
    return Alert(
        fingerprint=digest([letter.source, known]),
        name=name,
        status=RESOLVED if over else FIRING,
        labels=labels,
        annotations={key: reading.text(as_text(value), key) for key, value in texts.items() if value},
        starts_at=at or letter.at,
        ends_at=(at or letter.at) if over else None,
        lasts=True,
        notes=tuple(reading.notes),
        whole=reading.whole,
    )


def _dimensions(raw: Any) -> dict[str, Any]:
    """`[{name, value}]`, in either spelling."""
    found = {}
    for one in raw if isinstance(raw, list) else ():
        if isinstance(one, Mapping):
            name, value = one.get("name", one.get("Name")), one.get("value", one.get("Value"))
            if isinstance(name, str) and name and value is not None:
                found[name] = value
    return found


def _message(raw: Mapping[str, Any], letter: Letter, reading: Reading) -> Alert:
    """Any other message: it fires under its subject."""
    ended = raw.get("Type") == ENDED
    subject = "SubscriptionEnded" if ended else raw.get("Subject")
    name = reading.name(reading.text(subject, "Subject") if subject is not None else None)
    topic = reading.text(as_text(raw.get("TopicArn", "")), "TopicArn")
    text = reading.text(as_text(raw.get("Message", "")), "Message")
    at = reading.start(raw.get("Timestamp"), "Timestamp")
    return Alert(
        fingerprint=digest([letter.source, topic, subject, None if ended else raw.get("Message")]),
        name=name,
        status=FIRING,
        labels={"alertname": name, "topic": topic},
        annotations={"summary": text} if text else {},
        starts_at=at or letter.at,
        ends_at=None,
        lasts=True,
        notes=tuple(reading.notes),
        whole=reading.whole,
    )
