"""The policy of a Greengrass core names it, and nothing else."""

from operations.fleet.cores import core_policy, make_policy
from operations.fleet.serials import allow, serial_of
from operations.stack import Stack

WHERE = "arn:aws:iot:us-east-1:000000000000"


def resources(action: str) -> list[str]:
    policy = core_policy("press-1", where=WHERE, rule="r", alias="a")
    (statement,) = [one for one in policy["Statement"] if one["Action"] == action]
    found: list[str] = statement["Resource"]
    return found


def test_no_core_can_act_as_one_whose_name_begins_like_its_own():
    for action in ("iot:Connect", "iot:Publish", "iot:Subscribe", "iot:Receive"):
        for resource in resources(action):
            assert "press-1" in resource
            assert "press-1*" not in resource
            assert "${" not in resource


def test_a_core_may_renew_its_certificate_and_send_its_events():
    said = resources("iot:Publish")
    assert f"{WHERE}:topic/fleet/press-1/certificate/*" in said
    assert f"{WHERE}:topic/$aws/rules/r/fleet/press-1/events/*" in said


def test_a_core_gets_its_policy_with_its_serial(stack: Stack):
    for _ in range(7):  # five versions are all a policy has
        name = make_policy(stack, "press-1", role_alias="alias")
    row = allow(stack, "S-core", gateway_id="press-1", policy=name)
    assert row == serial_of(stack, "S-core")
    assert row.policy == "thresher-core-press-1"
