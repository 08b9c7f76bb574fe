"""The compose file, read as an engine would: anchors resolved, services, commands, variables."""

import re
from functools import cache
from typing import Any

import yaml

from tests.contract.repository import ROOT

PATH = ROOT / "docker-compose.yml"
OUR_IMAGE = "billing-ledger"
BACKUP_IMAGE = "billing-ledger-backup"
INTERPOLATED = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::?[-?][^}]*)?\}")


@cache
def compose() -> dict[str, Any]:
    return yaml.safe_load(PATH.read_text(encoding="utf-8"))


def services() -> dict[str, dict[str, Any]]:
    return compose()["services"]


def ours() -> dict[str, dict[str, Any]]:
    """The services that run an image of ours."""
    images = {OUR_IMAGE, BACKUP_IMAGE}
    return {name: one for name, one in services().items() if one["image"].partition(":")[0] in images}


def is_long_running(service: dict[str, Any]) -> bool:
    return service["restart"] == "unless-stopped"


def secrets_of(service: dict[str, Any]) -> dict[str, str]:
    """Return source by the name of the file that it is mounted as."""
    found = {}
    for secret in service.get("secrets", []):
        source, target = (secret, secret) if isinstance(secret, str) else (secret["source"], secret["target"])
        found[target] = source
    return found
