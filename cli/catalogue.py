"""Every command of `billing`: its name, the module that holds it, and its line in `billing --help`."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One command; `module` exposes `app`, a `typer.Typer`, and is imported when the command is called."""

    name: str
    module: str
    summary: str


CATALOGUE: Final = (
    Entry("demo", "cli.commands.demo", "Live through half a year of two sellers, on real parts."),
    Entry("migrate", "cli.commands.migrate", "Create or update the ledger's own tables."),
    Entry("consume", "cli.commands.consume", "Append events from Kafka to the ledger, exactly once."),
    Entry("import", "cli.commands.import_", "Append events from a file, one CloudEvent a line."),
    Entry("publish", "cli.commands.publish", "Send events from a file to Kafka."),
    Entry("dead-letters", "cli.commands.dead_letters", "List, show and re-drive messages that were refused."),
    Entry("project", "cli.commands.project", "Keep the read models up to date with the ledger."),
    Entry("rebuild", "cli.commands.rebuild", "Build a read model anew from the facts."),
    Entry("preview", "cli.commands.preview", "Show the next invoices, without issuing them."),
    Entry("forecast", "cli.commands.forecast", "Show what will be invoiced, month by month."),
    Entry("run", "cli.commands.run", "Issue every invoice that is due on a date."),
    Entry("replay", "cli.commands.replay", "Show a customer as it was known at a seq or at a time."),
    Entry("audit", "cli.commands.audit", "Compute issued invoices again, and compare them byte by byte."),
    Entry("invoices", "cli.commands.invoices", "List issued invoices and credit notes, or show one."),
    Entry("prices", "cli.commands.prices", "Enter a new amount of a price, after a look at what it moves."),
    Entry("policies", "cli.commands.policies", "Enter a policy, after a look at what it would move."),
    Entry("adjustments", "cli.commands.adjustments", "Enter, list and withdraw manual adjustments."),
    Entry("anomalies", "cli.commands.anomalies", "List facts that can't be rated or make no sense yet."),
    Entry("serve", "cli.commands.serve", "Answer HTTP requests: the API below /v1."),
    Entry("keys", "cli.commands.keys", "Make, list and revoke the keys of the HTTP doors."),
    Entry("export", "cli.commands.export", "Write invoices as PDF, or their lines as CSV."),
    Entry("simulate", "cli.commands.simulate", "Run scenario files; no database is touched."),
    Entry("verify", "cli.commands.verify", "Prove that no stored fact was altered or left out."),
    Entry("health", "cli.commands.health", "Ask a running process of ours whether it is well."),
    Entry("bench", "cli.commands.bench", "Measure speed against the database's own limit."),
)
