"""`safelight keys`: make, list and revoke API keys."""

from typing import Annotated

import typer

from safelight.accounts.keys import create_key, list_keys, revoke_key
from safelight.accounts.model import GATE_PERMISSIONS, ApiKey, Permission
from safelight.cli.database import DataDir, in_database
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.core.clock import utc_now
from safelight.core.errors import BadInput, InputCode

app = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.\n\nExample: `safelight keys create shop`")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    permission: Annotated[
        list[Permission] | None, typer.Option(help="May be given again; none: images and decisions.")
    ] = None,
    platform: Annotated[str, typer.Option(help="Whose accounts ask through it; standing goes by it.")] = "default",
    per_minute: Annotated[int, typer.Option(min=0, help="Requests a minute; 0: no bound.")] = 0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it once.

    Example: `safelight keys create shop --permission gate:image:make --per-minute 600`
    """
    if not name.strip():
        raise typer.BadParameter("say what the key is for", param_hint="NAME")
    permissions = permission or list(GATE_PERMISSIONS)
    key, secret = in_database(
        data_dir,
        lambda connection: create_key(
            connection,
            name=name,
            platform=platform,
            permissions=permissions,
            requests_per_minute=per_minute,
            now=utc_now(),
        ),
    )
    if as_json:
        print_json({"key": secret} | _shown(key))
        return
    console.print(f"[bold]{secret}[/]", soft_wrap=True)
    console.print("Keep it now: only its hash is stored, so it cannot be shown again.")


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every key. Example: `safelight keys list`"""
    keys = in_database(data_dir, list_keys)
    if as_json:
        print_json([_shown(key) for key in keys])
        return
    table = Table("id", "name", "platform", "permissions", "a minute", "state")
    for key in keys:
        bound = str(key.requests_per_minute or "no bound")
        state = "revoked" if key.revoked else "valid"
        table.add_row(key.id, key.name, key.platform, "\n".join(sorted(key.permissions)), bound, state)
    console.print(table)


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `safelight keys list` shows it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key at once and for good. Example: `safelight keys revoke key_01m8…`"""
    revoked = in_database(data_dir, lambda connection: revoke_key(connection, key_id, utc_now()))
    if not revoked:
        message = f"There is no valid key {key_id!r}; see `safelight keys list`."
        raise BadInput(InputCode.FIELD_INVALID, message, param="key_id")
    print_json({"id": key_id, "revoked": True}) if as_json else console.print(f"{key_id} is revoked.")


def _shown(key: ApiKey) -> dict[str, object]:
    """What is known of a key; its secret is not."""
    return {
        "id": key.id,
        "name": key.name,
        "platform": key.platform,
        "permissions": sorted(key.permissions),
        "requests_per_minute": key.requests_per_minute,
        "revoked": key.revoked,
    }
