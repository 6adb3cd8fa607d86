"""The ``onefold`` command. Each service keeps its own commands; here they only get their names."""

import os

import typer
from pydantic import ValidationError

from services.changes.commands import webhooks
from services.console.commands import console
from services.control import (
    audit_commands,
    deletion_commands,
    erasure_commands,
    generation_commands,
    job_commands,
    source_commands,
)
from services.control import commands as control_commands
from services.demo.commands import demo
from services.doctor import commands as doctor_commands
from services.dryrun.commands import resolve
from services.embedded.addresses import running_addresses
from services.embedded.commands import serve, up
from services.ingress.commands import doctor, ingress, members
from services.logfiles.commands import log
from services.query import bulk_commands, erase_commands, export_commands, import_commands, reading_commands
from services.query.commands import query, why
from services.rebuild.commands import rebuild
from services.runtime import schema_commands, settings_commands
from services.runtime.settings import Settings
from services.runtime.terminal import fail
from services.verify.commands import verify
from services.verify.dead_letter_commands import dead_letters
from services.worker.commands import worker

app = typer.Typer(
    name="onefold",
    help="Events from every channel in, one customer out.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would show identifiers
    rich_markup_mode="rich",
)

_STARTERS = {"up", "demo"}
_WRONG_SETTING = 2


@app.callback()
def _beside_a_running_one(context: typer.Context) -> None:
    """Events from every channel in, one customer out."""
    try:
        settings = Settings()
    except ValidationError as error:  # its own text shows the values, and a password is one
        wrong = (f"ONEFOLD_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors(include_input=False))
        fail(f"a setting is wrong. {'; '.join(wrong)}", _WRONG_SETTING)
    # The only place that changes the environment: a command beside a running `up` uses the servers of that one.
    if context.invoked_subcommand not in _STARTERS:
        os.environ.update(running_addresses(settings.data_dir))


_START = "Start"
_SERVICES = "Services"
_ASKING = "Customers"
_CONTROL = "Control"
_TOOLS = "Tools"

app.command(rich_help_panel=_START)(up)
app.command(rich_help_panel=_START)(demo)
app.command(rich_help_panel=_SERVICES)(ingress)
app.command(rich_help_panel=_SERVICES)(worker)
app.command(rich_help_panel=_SERVICES)(query)
app.command(rich_help_panel=_SERVICES)(serve)
app.command(rich_help_panel=_ASKING)(reading_commands.find)
app.command(rich_help_panel=_ASKING)(reading_commands.show)
app.command(rich_help_panel=_ASKING)(reading_commands.segments)
app.command(rich_help_panel=_ASKING)(reading_commands.quota)
app.command("may-send", rich_help_panel=_ASKING)(reading_commands.may_send)
app.command("export", rich_help_panel=_ASKING)(export_commands.export)
app.command("import", rich_help_panel=_ASKING)(import_commands.import_)
app.command(rich_help_panel=_ASKING)(erase_commands.erase)
app.add_typer(bulk_commands.bulk, name="bulk", rich_help_panel=_ASKING)
app.command(rich_help_panel=_CONTROL)(control_commands.migrate)
app.command(rich_help_panel=_CONTROL)(settings_commands.settings)
app.command(rich_help_panel=_CONTROL)(rebuild)
app.add_typer(generation_commands.generations, name="generations", rich_help_panel=_CONTROL)
app.add_typer(control_commands.tenants, name="tenants", rich_help_panel=_CONTROL)
app.add_typer(control_commands.keys, name="keys", rich_help_panel=_CONTROL)
source_commands.sources.command("doctor")(doctor)
app.add_typer(source_commands.sources, name="sources", rich_help_panel=_CONTROL)
app.add_typer(control_commands.write_keys, name="write-keys", rich_help_panel=_CONTROL)
app.add_typer(members, name="members", rich_help_panel=_CONTROL)
app.add_typer(deletion_commands.deletions, name="deletions", rich_help_panel=_CONTROL)
app.add_typer(erasure_commands.erasures, name="erasures", rich_help_panel=_CONTROL)
app.command(rich_help_panel=_CONTROL)(audit_commands.audit)
app.add_typer(console, name="console", rich_help_panel=_CONTROL)
app.add_typer(webhooks, name="webhooks", rich_help_panel=_CONTROL)
app.add_typer(job_commands.jobs, name="jobs", rich_help_panel=_CONTROL)
app.command(rich_help_panel=_TOOLS)(doctor_commands.doctor)
app.command(rich_help_panel=_TOOLS)(verify)
app.add_typer(log, name="log", rich_help_panel=_TOOLS)
app.add_typer(dead_letters, name="dead-letters", rich_help_panel=_TOOLS)
app.command(rich_help_panel=_TOOLS)(resolve)
app.command(rich_help_panel=_TOOLS)(why)

schemas = typer.Typer(help="The wire's description.", no_args_is_help=True)
schemas.command("export")(schema_commands.export)
app.add_typer(schemas, name="schemas", rich_help_panel=_TOOLS)


@schemas.callback()
def _schemas() -> None:
    """The wire's description."""
