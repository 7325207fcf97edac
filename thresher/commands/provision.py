"""thresher provision: give this gateway its own certificate, by a claim that it shares with others until then.

The key is made here (or in its token) and never leaves; the claim is destroyed once the new certificate has connected.
It may be cut short at any moment and started again. Exit status: 0 provisioned, also if it was already.
"""

import argparse
from pathlib import Path

import msgspec

from device_agent.config import GatewayConfig, load
from device_agent.errors import ConfigError
from device_agent.state import sole_user, state_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--config", type=Path, required=True, help="the gateway's YAML document")
    parser.add_argument(
        "--adopt", type=Path, metavar="CERTIFICATE", help="take over a certificate that is here already"
    )
    parser.add_argument("--key", type=Path, help="with --adopt: its key; left out where a token has it")
    nucleus = parser.add_argument_group("where a Greengrass nucleus has the identity: writes what its own plugin needs")
    nucleus.add_argument("--nucleus", choices=["classic", "lite"], help="which")
    nucleus.add_argument("--output", type=Path, default=Path("claim"), help="folder for it (default: claim)")
    nucleus.add_argument("--endpoint", default="", help="host name of the data endpoint")
    nucleus.add_argument("--credentials-endpoint", default="", help="host name of the credentials provider")
    nucleus.add_argument("--region", default="", help="of both")
    nucleus.add_argument("--role-alias", default="", help="gives components their AWS credentials")
    nucleus.add_argument("--ca", default="/greengrass/v2/AmazonRootCA1.pem", help="path of the root certificate")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Provisions, or takes over what is there."""
    from device_agent.fleet.identity import first  # noqa: PLC0415 - loads the MQTT client

    config = load(arguments.config)
    if arguments.nucleus:
        return _for_nucleus(config, arguments)
    with sole_user(state_folder(config), "provision"):
        if arguments.adopt:
            uplink = first.checked_uplink(config)
            if bool(arguments.key) == (uplink.pkcs11 is not None):
                raise ConfigError("--key goes with a key in a file", remedy="give it unless `uplink.pkcs11` is set")
            first.adopt(config, arguments.adopt, arguments.key)
            said = {"gateway": config.gateway, "phase": "done", "certificate_id": ""}
        else:
            progress = first.provisioning(config).run()
            said = {"gateway": config.gateway, "phase": progress.phase, "certificate_id": progress.certificate_id}
    print(msgspec.json.encode(said).decode() if arguments.json else f"{config.gateway}: provisioned")
    return 0


def _for_nucleus(config: GatewayConfig, arguments: argparse.Namespace) -> int:
    from device_agent.fleet.identity.claim_plugin import Cloud, write_part  # noqa: PLC0415 - loads the MQTT client

    cloud = Cloud(
        data=arguments.endpoint,
        credentials=arguments.credentials_endpoint,
        region=arguments.region,
        role_alias=arguments.role_alias,
        ca=arguments.ca,
    )
    missing = [
        name for name in ("endpoint", "credentials_endpoint", "region", "role_alias") if not vars(arguments)[name]
    ]
    if missing:
        raise ConfigError(
            f"--nucleus needs --{missing[0].replace('_', '-')}", remedy="see docs/identity.md, Greengrass"
        )
    path = write_part(config, arguments.nucleus, cloud, arguments.output)
    said = {"gateway": config.gateway, "phase": "written", "path": str(path)}
    print(msgspec.json.encode(said).decode() if arguments.json else f"{path}: lay it over the nucleus's configuration")
    return 0
