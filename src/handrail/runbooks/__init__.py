"""From Markdown to a document, and from an alert to the runbook that answers it."""
