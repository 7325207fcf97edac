"""A foreign component: the unmodified SDK client, in a process that the nucleus started.

Answers every deployment as its configuration says, refuses a configuration it does not like, and writes what it hears.
"""

import sys
import threading

from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import ConfigurationValidityReport


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


client = GreengrassCoreIPCClientV2()
say(f"configuration {client.get_configuration(key_path=[]).value}")
deferred = []


def updates(event):
    if event.post_update_event:
        say("post")
        return
    wanted = client.get_configuration(key_path=["defer"]).value["defer"]
    pause = 100 if len(deferred) < wanted else 0
    deferred.append(pause)
    say(f"pre {pause}")
    client.defer_component_update(deployment_id=event.pre_update_event.deployment_id, recheck_after_ms=pause)


def validate(event):
    proposed = event.validate_configuration_update_event
    status = "REJECTED" if proposed.configuration.get("defer", 0) < 0 else "ACCEPTED"
    say(f"validate {status}")
    report = ConfigurationValidityReport(
        status=status, deployment_id=proposed.deployment_id, message=f"defer is {proposed.configuration.get('defer')}"
    )
    client.send_configuration_validity_report(configuration_validity_report=report)


def changed(event):
    say(f"changed {event.configuration_update_event.key_path} {client.get_configuration(key_path=[]).value}")


if sys.argv[1] == "classic":
    client.subscribe_to_component_updates(on_stream_event=updates)
    client.subscribe_to_validate_configuration_updates(on_stream_event=validate)
client.subscribe_to_configuration_update(component_name=sys.argv[2], key_path=[], on_stream_event=changed)
say("ready")
threading.Event().wait()
