"""Writes what can be read off the program: `python -m tests.docs.generate` makes docs/reference/cli.md, api.md and scope.md anew."""

from __future__ import annotations

import datetime as dates
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handrail import alerts, cli, store
from handrail.alerts import scopetable
from handrail.web import WebSettings, create, verbs
from handrail.web.policy import Policy
from tests.web.desk import MemoryDesk
from tests.web.seed import PEOPLE, SeedCatalog

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
GROUPS = (
    ("Begin", ("init", "doctor", "check", "explain", "show", "identities", "token", "rules", "bind")),
    ("Serve and look", ("serve", "event", "incidents", "plan", "review", "report")),
    (
        "Decide",
        (
            "approve",
            "refuse",
            "run",
            "confirm",
            "start",
            "takeover",
            "handback",
            "pause",
            "resume",
            "stop",
            "done",
            "settle",
            "release",
            "undo",
            "pick",
            "fill",
            "ack",
            "task",
            "close",
            "moveout",
        ),
    ),
    ("Rehearse", ("drill", "demo", "practise")),
)
EXITS = """\
## Exit codes

| code | meaning |
| ---: | --- |
| 0 | done, and nothing is wrong |
| 1 | something was found, or the answer is no: findings of `handrail check`, something wrong of `handrail doctor`, a plan that cannot be approved any more, a drill that failed |
| 2 | what was given cannot be read: settings, a document, an option; or the outside did not answer |
| 3 | a bug in Handrail; a trace is printed, and nothing was changed after it |
| 130 | interrupted with Ctrl-C |
"""


SCOPE_BEGINS = """\
# What an alert is about

An alert's *scope* is what it is about. Two alerts of one scope are one trouble; what it opens and what it joins is decided by it. This page is
written by `python -m tests.docs.generate` from the table itself (`src/handrail/alerts/scopetable.py`); a test holds it to that.

1. **The services file first.** A service whose `alerts` name the alert, whose `workloads` name what it is about, or whose own name a label has. Where the service
   says its `namespace` or `cluster`, a like-named label elsewhere is not it.
2. **`exported_*` before its plain label.** Prometheus writes it where what measures and what is measured both have that label.
3. **The first rule below that finds a name decides.** Its namespace and cluster are a part of the scope: two of either are never one. Like-named things of one
   namespace are one thing, whether a label calls it a Deployment, an autoscaler or a service.
4. **Nothing known is nothing in common.** An alert that no rule finds a name in stands by its own name and its group key.

What is read off the form of a name is marked a guess; the cluster is not asked. A text that is not one line of plain words names nothing.
"""
SCOPE_EXPORTERS = """\
## What measures others

Of an alert from one of these jobs, the job's own `job`, `service`, `pod`, `container`, `namespace` and `instance` are not what is broken. The job is known by {labels}.
"""


def scope_page() -> str:
    """docs/reference/scope.md."""
    rules = scopetable.DEFAULT
    lines = [
        SCOPE_BEGINS,
        "## Rules, in their order",
        "",
        "| rule | labels | read | why |",
        "| --- | --- | --- | --- |",
    ]
    for rule in rules.rules:
        more = "; in a namespace only" if rule.needs_namespace else "" if rule.placed else "; without its namespace"
        lines.append(f"| `{rule.name}` | {_codes(rule.labels)} | {rule.how}{more} | {rule.because} |")
    lines += [
        "",
        f"The cluster is read from {_codes(rules.cluster)}, the namespace from {_codes(rules.namespace)}.",
        "",
    ]
    lines += [
        SCOPE_EXPORTERS.format(labels=_codes(rules.exporter_labels)),
        "| what | names | counts all the same | why |",
        "| --- | --- | --- | --- |",
    ]
    for one in rules.exporters:
        counts = [_codes(one.theirs)] if one.theirs else []
        counts += [f"{_codes(one.judged)} unless they bear its name"] if one.judged else []
        counts += [f"not at port {', '.join(one.ports)}"] if one.ports else []
        lines.append(f"| {one.name} | {_codes(one.jobs)} | {'; '.join(counts) or 'nothing'} | {one.because} |")
    lines += [
        "",
        "## Severity",
        "",
        "The words that people send, in whatever case, and the five that they stand for. A word that is not there, or none, counts as above warning.",
        "",
    ]
    lines += ["| severity | words |", "| --- | --- |"]
    for five in reversed(alerts.Severity):
        lines.append(
            f"| `{five.word}` | {_codes(tuple(word for word, known in alerts.WORDS.items() if known is five))} |"
        )
    lines += ["", "Settings change both tables: [`alerts`](settings.md#alerts)."]
    return "\n".join(lines) + "\n"


def _codes(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def options_of(verb: str) -> list[Any]:
    """The parameters of a verb as the command line knows them."""
    return list(command_of(verb).params)


def command_of(verb: str) -> Any:
    """A verb with its help."""
    return cli.command(verb, cli.VERBS[verb])


def cli_page() -> str:
    """docs/reference/cli.md."""
    lines = [
        "# The command line",
        "",
        "`handrail <verb> --help` says the same. Verbs that need settings take `--config`: `handrail.yaml`, or the folder it",
        "stands in; left out, the folder you are in. Output is coloured in a terminal unless `NO_COLOR` is set.",
        "`handrail --version` says which version this is.",
        "",
        "This page is written by `python -m tests.docs.generate` from the program itself; a test holds it to that.",
        "",
    ]
    for group, names in GROUPS:
        lines.append(f"- {group}: {', '.join(f'[{name}](#handrail-{name})' for name in names)}")
    lines += ["", EXITS]
    for _, names in GROUPS:
        for name in names:
            lines += _verb(name)
    return "\n".join(lines).rstrip() + "\n"


def _verb(name: str) -> list[str]:
    command = command_of(name)
    words = []
    rows = []
    for one in command.params:
        if one.name == "help":
            continue
        if one.param_type_name == "argument":
            shown = str(one.name).upper()
            words.append(shown if one.required else f"[{shown}]")
            says = getattr(one, "help", "") or ""
            rows.append(f"| `{shown}` | {_cell(says) or 'needed'} |")
        else:
            names = ", ".join(f"`{word}`" for word in (*one.opts, *one.secondary_opts))
            rows.append(f"| {names} | {_cell(one.help or '')}{_default(one)} |")
    lines = [f"## handrail {name}", "", *_paragraphs(command.help or ""), ""]
    lines += ["```text", " ".join(["handrail", name, *words, "[OPTIONS]"]), "```", ""]
    if rows:
        lines += ["| | |", "| --- | --- |", *rows, ""]
    return lines


def _paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(one: Any) -> str:
    value = one.default
    if value in (None, "", False, [], ()) or callable(value) or str(value) == "." or one.is_flag:
        return ""
    return f" Left out: `{value}`."


def api_rows() -> list[tuple[str, str, str]]:
    """Method, path and policy of every route that the application has."""
    with tempfile.TemporaryDirectory() as folder:
        kept = store.Store(store.connect(f"sqlite:///{folder}/api.db"), clock=lambda: dates.datetime.now(dates.UTC))
        app = create(
            MemoryDesk(kept), kept, catalog=SeedCatalog(), people=PEOPLE, settings=WebSettings(sources={"a": "0" * 64})
        )
        policies: dict[tuple[str, str], Policy] = app.state.policies
        kept.engine.dispose()
    return sorted((path, method, str(policy.value)) for (method, path), policy in policies.items())


def api_page() -> str:
    """docs/reference/api.md."""
    intro = (Path(__file__).parent / "api_intro.md").read_text(encoding="utf-8")
    said = {
        f"/api/v1{verb.path}": "; ".join(f"`{one.name}`: {one.says}" for one in verb.fields) for verb in verbs.VERBS
    }
    rows = [
        f"| `{method}` | `{path}` | {policy} | {said.get(path, '') if method == 'POST' else ''} |"
        for path, method, policy in api_rows()
        if path.startswith("/api/")
    ]
    pages = [
        f"| `{method}` | `{path}` | {policy} |" for path, method, policy in api_rows() if not path.startswith("/api/")
    ]
    return "\n".join(
        [
            intro.rstrip(),
            "",
            "## Routes of the API",
            "",
            "| method | path | who may | fields |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "## Routes of the pages",
            "",
            "Forms use the same verbs as the API, without `/api/v1`, with form fields instead of JSON.",
            "",
            "| method | path | who may |",
            "| --- | --- | --- |",
            *pages,
            "",
        ]
    )


def main() -> None:
    """Write the pages."""
    (REFERENCE / "scope.md").write_text(scope_page(), encoding="utf-8")
    (REFERENCE / "cli.md").write_text(cli_page(), encoding="utf-8")
    (REFERENCE / "api.md").write_text(api_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
