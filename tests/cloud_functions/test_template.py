import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloud_functions.core.ingest import Settings
from cloud_functions.core.shape import Retention
from tests.cloud_functions.conftest import TEMPLATE
from twin.bundle import read_template


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_template(TEMPLATE)["Resources"]
    return found


def of_type(resources: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_cfn_lint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, TEMPLATE], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_function_has_a_role_of_its_own(resources: dict[str, dict[str, Any]]) -> None:
    functions = of_type(resources, "AWS::Serverless::Function")
    roles = [str(function["Role"]) for function in functions.values()]
    assert len(set(roles)) == len(functions)


LONGEST = {
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-southeast-2",
    "AWS::AccountId": "1" * 12,
    "RuleName": "r" * 20,
}


def test_an_iot_policy_is_as_short_as_the_service_wants_it(resources: dict[str, dict[str, Any]]) -> None:
    for name, policy in of_type(resources, "AWS::IoT::Policy").items():
        text = json.dumps(policy["PolicyDocument"], separators=(",", ":"))
        for variable, value in LONGEST.items():
            text = text.replace(f"${{{variable}}}", value)
        text = re.sub(r'\{"Fn::Sub":("[^"]*")\}', r"\1", text).replace("${!", "${")
        assert len("".join(text.split())) <= 2048, name  # AWS IoT Core quotas


CANNOT_NAME = {
    "dynamodb:ListStreams",
    "iot:CreateCertificateFromCsr",
    "iot:ListAttachedPolicies",
    "iot:RegisterThing",
}
"""Actions without resource types (Service Authorization Reference)."""


def test_no_role_may_do_everything_or_touch_everything(resources: dict[str, dict[str, Any]]) -> None:
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for statement in statements(role):
            actions, targets = listed(statement["Action"]), listed(statement["Resource"])
            assert not [action for action in actions if "*" in action], name
            assert "*" not in targets or set(actions) <= CANNOT_NAME, name


def test_nobody_who_only_asks_may_write(resources: dict[str, dict[str, Any]]) -> None:
    actions = {
        action
        for statement in statements(resources["QueryRole"]["Properties"])
        for action in listed(statement["Action"])
        if action.startswith("dynamodb:")
    }
    assert actions == {"dynamodb:Query"}


def test_only_what_begins_or_takes_back_a_rollout_may_touch_jobs(resources: dict[str, dict[str, Any]]) -> None:
    may = {
        name: {action for one in statements(role) for action in listed(one["Action"]) if action.startswith("iot:C")}
        for name, role in of_type(resources, "AWS::IAM::Role").items()
    }
    assert {name: actions for name, actions in may.items() if actions & {"iot:CreateJob", "iot:CancelJob"}} == {
        "RolloutBeginRole": {"iot:CreateJob"},
        "RolloutUnwindRole": {"iot:CreateJob", "iot:CancelJob"},
    }


def test_addresses_of_bundles_are_signed_for_this_accounts_jobs_only(resources: dict[str, dict[str, Any]]) -> None:
    (statement,) = resources["PresignRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert ":job/*" in str(statement["Condition"]["ArnLike"]["aws:SourceArn"])
    (allowed,) = statements(resources["PresignRole"]["Properties"])
    assert (allowed["Action"], "bundles/*" in str(allowed["Resource"])) == ("s3:GetObject", True)


def test_half_of_the_functions_time_is_left_for_the_account(resources: dict[str, dict[str, Any]]) -> None:
    settings = Settings(interval_ms=0, retention=Retention(block_days=1, episode_days=1))
    assert 2 * settings.receive_ms <= 1000 * resources["IngestFunction"]["Properties"]["Timeout"]


def test_a_message_stays_hidden_for_six_timeouts_and_the_window(resources: dict[str, dict[str, Any]]) -> None:
    function = resources["IngestFunction"]["Properties"]
    window = function["Events"]["Messages"]["Properties"]["MaximumBatchingWindowInSeconds"]
    visibility = resources["EventsQueue"]["Properties"]["VisibilityTimeout"]
    assert int(visibility) >= 6 * int(function["Timeout"]) + int(window)


def test_on_aws_the_api_is_closed_and_queues_demand_tls(resources: dict[str, dict[str, Any]]) -> None:
    assert resources["QueryRoute"]["Properties"]["AuthorizationType"] == {"Fn::If": ["OnAws", "AWS_IAM", "NONE"]}
    for name in ("QueuesOverTlsOnly", "PageOverTlsOnly"):
        assert resources[name]["Condition"] == "OnAws"
        (statement,) = resources[name]["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == (
            "Deny",
            {"Bool": {"aws:SecureTransport": "false"}},
        )


def test_the_table_outlives_its_stack(resources: dict[str, dict[str, Any]]) -> None:
    table = resources["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] in (True, "true")


def test_every_handler_exists_and_is_short(resources: dict[str, dict[str, Any]]) -> None:
    for one in of_type(resources, "AWS::Serverless::Function").values():
        module = TEMPLATE.parents[1] / one["Handler"].removesuffix(".handler").replace(".", "/")
        source = module.with_suffix(".py").read_text()
        assert "def handler(" in source
        assert len(source.splitlines()) <= 30
