"""What the parts of a runbook are, by the words of their headings: symptoms, steps, or what is only read.

Two families of documents are told apart: one runbook a file, its parts as headings (`## Diagnosis`), and many runbooks
a file, each under a heading of its own with its parts in bold.
"""

from __future__ import annotations

import enum
import re


class Role(enum.StrEnum):
    """What stands below a heading or a bold word with a colon."""

    SYMPTOMS = "symptoms"
    SEVERITY = "severity"
    TIME = "time"
    STEPS = "steps"
    RESOLUTION = "resolution"  # what is true when it is over
    ABOUT = "about"  # for people, and no step


BOLD = {
    "symptoms": Role.SYMPTOMS,
    "symptom": Role.SYMPTOMS,
    "meaning": Role.SYMPTOMS,
    "impact": Role.SYMPTOMS,
    "severity": Role.SEVERITY,
    "time to resolve": Role.TIME,
    "steps": Role.STEPS,
    "diagnosis": Role.STEPS,
    "mitigation": Role.STEPS,
    "resolution": Role.RESOLUTION,
}
PARTS = (  # the first that fits a heading as a whole, with a word or two around it
    (
        r"symptoms?|meaning|impact|description|alert description|full context|summary|overview|what (it|this) means"
        r"|(possible |common |potential |root )?causes?|goal",
        Role.SYMPTOMS,
    ),
    (r"severity", Role.SEVERITY),
    (r"(time|expected time|target time) to (resolve|resolution)|ttr", Role.TIME),
    (
        r"steps|(resolution|recovery|diagnos\w+|troubleshooting|mitigation|remediation|investigation|repair) steps"
        r"|diagnos(is|tics?|e)|mitigations?|remediation|resolution|investigation|troubleshooting|debugging|recovery|repair"
        r"|verification|verify|validation|workarounds?|(how to )?(fix|solve|resolve)( it)?|(immediate )?actions?|procedure"
        r"|diagnosis and (mitigation|resolution)|workflow.*|runbook",
        Role.STEPS,
    ),
    (
        r"pre-?requisites?|requirements?|prevention|background|references?|(see|read) also|related.*|further reading|links"
        r"|additional (notes|resources|information|reading)|notes?|support|escalation.*|contacts?|changelog|history|faq"
        r"|appendix|example alerts?|expected outcome|glossary|conclusion|external resources|tl;?dr",
        Role.ABOUT,
    ),
)
KNOWN = tuple((re.compile(pattern, re.IGNORECASE), role) for pattern, role in PARTS)
DIAGNOSIS = re.compile(r"diagnos|investigat|debug|troubleshoot", re.IGNORECASE)
TELLS = re.compile(  # how a sentence begins that tells someone what to do
    r"^(first,? |then,? |next,? |also,? |if [^.]*, )?(please )?"
    r"(access|add|adjust|ask|assess|change|check|clean|collect|compare|confirm|contact|correct|decide|delete|determine"
    r"|ensure|escalate|examine|expand|export|find|fix|follow|gather|get|go|identify|increase|inspect|investigate|keep"
    r"|list|look|make sure|monitor|move|note|open|read|reduce|refer|remove|replace|restart|restore|resize|review|roll"
    r"|run|scale|see|start|stop|study|switch|talk|tell|test|try|turn|update|use|validate|verify|wait)\b",
    re.IGNORECASE,
)
STEP = re.compile(r"^(?:step\s+)?\d{1,2}(?:\.\d{1,2})*\s*[:.)–-]\s*(\S.*)$", re.IGNORECASE)


def of_bold(word: str) -> Role | None:
    """The role of a bold word with a colon."""
    return BOLD.get(word.strip(" :").lower())


def of_heading(heading: str) -> Role | None:
    """The role of a heading; None where it is a title of something."""
    text = re.sub(r"[*_`:]", "", heading).strip()
    text = re.sub(r"^\W+|\s*\W+$", "", text)  # an emoji before it
    return next((role for pattern, role in KNOWN if pattern.fullmatch(text)), None)


def step_of(heading: str) -> str:
    """The title of a heading that is a step, `Step 2: Look at the logs`; empty where it is none."""
    found = STEP.match(heading.strip())
    return found[1].strip() if found else ""


def is_diagnosis(heading: str) -> bool:
    """Whether a part is about finding out, not about mending."""
    return bool(DIAGNOSIS.search(heading))


def is_told(text: str) -> bool:
    """Whether any sentence tells someone to do something."""
    return any(TELLS.match(sentence) for sentence in re.split(r"(?<=[.!?])\s+", text))
