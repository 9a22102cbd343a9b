"""The demo's private folder: made-up secrets, the set-up file, the log; kept only when asked."""

import json
import secrets
import shlex
import shutil
import tempfile
from pathlib import Path

import msgspec

from ops.sandbox.scenario import Scenario


class FolderInUse(Exception):
    """`--data` names a folder that holds something already."""


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Made anew for every demo; nothing of them may ever be seen outside the sandboxes."""

    iseller_api_key: str
    iseller_client_secret: str
    jurnal_client_secret: str
    api_token: str

    @classmethod
    def make(cls) -> "Secrets":
        """Draw them."""
        return cls(**{field: secrets.token_hex(24) for field in cls.__struct_fields__})


class DemoFolder:
    """Where one demo keeps what it needs; `remove` ends it unless it was asked to be kept."""

    def __init__(self, kept: Path | None) -> None:
        if kept is not None and kept.exists() and any(kept.iterdir()):
            raise FolderInUse(f"{kept} is not empty: name a new folder for --data")
        self.kept = kept is not None
        self.path = kept.absolute() if kept is not None else Path(tempfile.mkdtemp(prefix="jurnalsync-demo-"))
        self.private = self.path / "private"
        self.log = self.path / "service.log"
        self.private.mkdir(parents=True, mode=0o700)

    @property
    def sealing_key(self) -> Path:
        """File of the service's sealing key, made by the service's own command."""
        return self.private / "sealing.key"

    @property
    def setup_file(self) -> Path:
        """File the store is set up from."""
        return self.private / "store.toml"

    def write_secrets(self, made: Secrets) -> None:
        """Write the secrets that the set-up file names."""
        for name, secret in (
            ("iseller-api-key", made.iseller_api_key),
            ("iseller-client-secret", made.iseller_client_secret),
            ("jurnal-client-secret", made.jurnal_client_secret),
        ):
            path = self.private / name
            path.touch(mode=0o600)
            path.write_text(secret + "\n")

    @property
    def environment_file(self) -> Path:
        """File that a shell reads to run the service's commands beside it."""
        return self.path / "environment.sh"

    def write_environment(self, settings: dict[str, str]) -> None:
        """Write the service's settings for a shell; they hold the API's token."""
        self.environment_file.touch(mode=0o600)
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
        self.environment_file.write_text("".join(lines))

    def write_addresses(self, addresses: dict[str, str], scenario: Scenario) -> None:
        """Write where everything is, for programs, and whose names must stand nowhere in clear."""
        path = self.path / "addresses.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(addresses, indent=2) + "\n")
        people = [
            value
            for person in scenario.customers
            for value in (person.first_name, person.last_name, person.phone_number, person.email)
        ]
        people += [value for each in scenario.outlets for value in (each.cashier_first_name, each.cashier_last_name)]
        (self.path / "people.json").write_text(json.dumps(people, indent=2) + "\n")

    def remove(self) -> None:
        """Remove it, unless it is to be kept."""
        if not self.kept:
            shutil.rmtree(self.path, ignore_errors=True)
