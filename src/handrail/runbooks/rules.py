"""The rules of `handrail check`: each one's name and what it protects against."""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "broken-link": "A link to a file or heading that is not there.",
    "client-dry-run": "A dry run on the client never asks the server, so it cannot find what the server would refuse.",
    "comment-for-action": "A comment stands where an action belongs: the step looks done and nothing happened.",
    "delete-of-kind": "kubectl delete is given one word, where kind and name belong.",
    "duplicate-id": "Two runbooks have one id: an alert that names it cannot tell which is meant.",
    "empty-document": "The document holds nothing.",
    "exec-crashing": "A container that crashes is not there to run a command in.",
    "exec-terminal": "A terminal is asked for where none is.",
    "fixed-deployment": "A document that switches between slots names one Deployment: the other slot may be the live one.",
    "index-locks": "An index is built so that writes to the table wait until it is done.",
    "lists-secrets": "Every Secret of the namespace is listed: permission to do that cannot be narrowed by name.",
    "logs-of-nothing": "Logs are asked for without saying whose.",
    "logs-ten-lines": "With a selector kubectl shows ten lines of each pod unless it is told otherwise.",
    "logs-two-words": "kubectl logs is given kind and name as two words, and takes one.",
    "no-runbook": "Nothing in the document can be run.",
    "no-steps": "A runbook has nothing to do.",
    "not-text": "The file is no text that can be read.",
    "nothing-staged": "A commit is made with nothing staged.",
    "patch-syntax": "A patch is not valid JSON.",
    "prints-secrets": "Values of Secrets are printed to wherever the output goes.",
    "promql-syntax": "A Prometheus query cannot be parsed.",
    "psql-watch": "psql's -w is about passwords; it repeats nothing.",
    "release-name": "One chart is rendered under another name than its release has.",
    "renamed-column": "A column has another name since a version of PostgreSQL.",
    "renamed-verb": "A verb of a program has another name now.",
    "restart-policy": "A Deployment takes no restart policy but Always.",
    "rollback-first": "Revision 1 is the first release ever made, hardly ever the last good one.",
    "shell-syntax": "No shell can read the block.",
    "slot-literal": "A switch always goes to the same slot, also when that one is the bad one.",
    "time-unreadable": "The time to resolve is no duration.",
    "unclosed-fence": "A code block is never closed and swallows what is below it.",
    "unknown-flag": "A flag that the program does not have.",
    "unverified-change": "A runbook changes something and nothing looks whether it helped.",
}
