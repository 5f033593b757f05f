"""`safelight staff`: who may work in the console."""

from typing import Annotated

import typer
from sqlalchemy import Connection

from safelight.accounts.permissions import Role
from safelight.accounts.staff import (
    AT_THE_MACHINE,
    ENROLMENT_VALID,
    add_member,
    change_role,
    end_member,
    list_members,
    make_enrolment,
    member_named,
)
from safelight.accounts.staff_passkeys import count_passkeys
from safelight.cli.database import DataDir, in_database, settings_of
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.core.clock import utc_now

app = typer.Typer(
    no_args_is_help=True,
    help="The staff of the console: add, list, change, end.\n\nExample: `safelight staff add Ada --role moderator`",
)

Name = Annotated[str, typer.Argument(help="The member's name, as colleagues know them.")]


@app.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they are appointed to; one each.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Appoint somebody and print the link by which they enrol, once.

    Example: `safelight staff add Ada --role moderator`
    """

    def appoint(connection: Connection) -> tuple[str, str]:
        now = utc_now()
        member = add_member(connection, name, role, by=AT_THE_MACHINE, now=now)
        return member.id, make_enrolment(connection, member, by=AT_THE_MACHINE, now=now)

    member_id, token = in_database(data_dir, appoint)
    _show_link(data_dir, member_id, token, as_json=as_json)


@app.command("link")
def link(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print a new link to enrol by, for somebody who lost their passkey; earlier links stop to work.

    Example: `safelight staff link Ada`
    """

    def renew(connection: Connection) -> tuple[str, str]:
        member = member_named(connection, name)
        return member.id, make_enrolment(connection, member, by=AT_THE_MACHINE, now=utc_now())

    member_id, token = in_database(data_dir, renew)
    _show_link(data_dir, member_id, token, as_json=as_json)


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List everybody who is or was on the staff. Example: `safelight staff list`"""
    members, passkeys = in_database(data_dir, lambda connection: (list_members(connection), count_passkeys(connection)))
    if as_json:
        print_json(
            [
                {
                    "id": member.id,
                    "name": member.name,
                    "role": member.role.value,
                    "passkeys": passkeys.get(member.id, 0),
                    "ended": member.ended,
                }
                for member in members
            ]
        )
        return
    table = Table("id", "name", "role", "passkeys", "state")
    for member in members:
        state = "ended" if member.ended else "on the staff"
        table.add_row(member.id, member.name, member.role.value, str(passkeys.get(member.id, 0)), state)
    console.print(table)


@app.command("role")
def role_of(
    name: Name,
    role: Annotated[Role, typer.Argument(help="The new role.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody another role; they are signed out. Example: `safelight staff role Ada senior`"""
    in_database(
        data_dir,
        lambda c: change_role(c, member_named(c, name), role, by=AT_THE_MACHINE, now=utc_now()),
    )
    print_json({"name": name, "role": role.value}) if as_json else console.print(f"{name} is {role.value} now.")


@app.command("end")
def end(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Have somebody sign in no more; what they did stays under their name. Example: `safelight staff end Ada`"""
    in_database(data_dir, lambda c: end_member(c, member_named(c, name), by=AT_THE_MACHINE, now=utc_now()))
    print_json({"name": name, "ended": True}) if as_json else console.print(f"{name} can sign in no more.")


def _show_link(data_dir: DataDir, member_id: str, token: str, *, as_json: bool) -> None:
    address = f"{settings_of(data_dir).console_address}/console/enrol#{token}"
    if as_json:
        print_json({"id": member_id, "link": address})
        return
    hours = int(ENROLMENT_VALID.total_seconds() / 3600)
    console.print(f"[bold]{address}[/]", soft_wrap=True, highlight=False)
    console.print(f"Give it to nobody else. It works once, within {hours} hours; only its hash is stored.")
