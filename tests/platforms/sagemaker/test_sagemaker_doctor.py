"""What cicd doctor finds of an account, against services that say what a test tells them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cicd.model import Key, Resource
from cicd.platforms.base import Finding
from cicd.platforms.sagemaker import doctor
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.credentials import session
from cicd.platforms.sagemaker.quotas import needed_by
from cicd.platforms.sagemaker.storage import Storage
from tests.emulator.sagemaker.aws import Aws
from tests.platforms.sagemaker.seeded import in_project
from tests.platforms.sagemaker.stand_in import (
    Operation,
    StandIn,
    identity,
    refused,
    standing_in,
    xml,
    xml_refused,
)
from tests.platforms.stub_server import Reply

ROLE = "arn:aws:iam::123456789012:role/team/ml"
TRUST = {"Statement": [{"Principal": {"Service": "sagemaker.amazonaws.com"}, "Effect": "Allow"}]}
GET_ROLE = "iam:GetRole"
NOTHING: Mapping[str, Operation] = {}


def role(trust: Any = TRUST, arn: str = ROLE) -> Operation:
    told = f"<Arn>{arn}</Arn><Path>/team/</Path><RoleName>ml</RoleName><RoleId>A</RoleId>"
    told += "<CreateDate>2026-01-01T00:00:00Z</CreateDate>"
    document = quote(json.dumps(trust))
    told += f"<AssumeRolePolicyDocument>{document}</AssumeRolePolicyDocument>"
    return lambda asked: xml("GetRole", f"<Role>{told}</Role>")


def simulated(decision: str) -> Operation:
    told = f"<EvalActionName>iam:PassRole</EvalActionName><EvalDecision>{decision}</EvalDecision>"
    told = f"<EvaluationResults><member>{told}</member></EvaluationResults>"
    return lambda asked: xml("SimulatePrincipalPolicy", told)


def quota(name: str, value: float) -> Mapping[str, Any]:
    return {"QuotaName": name, "Value": value, "ServiceCode": "sagemaker"}


def pages(quotas: list[Mapping[str, Any]], size: int = 2) -> Operation:
    def answer(asked: Mapping[str, Any]) -> Any:
        begin = int(asked.get("NextToken", 0))
        more = {"NextToken": str(begin + size)} if begin + size < len(quotas) else {}
        return {"Quotas": quotas[begin : begin + size], **more}

    return answer


FINE: Mapping[str, Operation] = {
    "GetCallerIdentity": identity(),
    "ListModels": lambda asked: {"Models": []},
    "GetRole": role(),
    "SimulatePrincipalPolicy": simulated("allowed"),
    "HEAD": lambda asked: Reply(200, None, {"x-amz-bucket-region": "eu-central-1"}),
    "ListServiceQuotas": pages([]),
    "ListAWSDefaultServiceQuotas": pages([]),
}


@dataclass(frozen=True)
class Account:
    """An account as its services tell of it; the clients of boto3 take long to make, so that all
    tests have the same."""

    server: StandIn
    api: Api

    def examined(
        self, *wishes: Resource, operations: Mapping[str, Operation] = NOTHING, role: str = ROLE
    ) -> dict[str, Finding]:
        self.server.operations = {**FINE, **operations}
        self.server.asked.clear()
        storage = Storage(self.api, "some-bucket")
        found = doctor.examine(self.api, storage, role, needed_by(wishes))
        return {finding.check: finding for finding in found}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with standing_in() as server:
        region = "eu-central-1"
        api = Api(partial(session, {}, server.environ, region), region, server.url)
        yield Account(server, api)
        api.close()


def test_all_is_well(account: Account) -> None:
    found = account.examined()
    assert {check: one.state for check, one in found.items()} == dict.fromkeys(
        ("login", "region", "role", "pass role", "bucket", "clock"), "ok"
    )
    assert found["login"].text == "arn:aws:iam::123456789012:user/ann in account 123456789012"
    assert found["region"].text.startswith("eu-central-1: ")


DENIED = xml_refused("AccessDenied", "User ann is not authorized to perform: that", 403)


@pytest.mark.parametrize(
    ("operation", "answer", "check", "state", "said"),
    [
        ("ListModels", refused("AccessDeniedException", "x"), "region", "error", "x"),
        ("GetRole", DENIED, "role", "skipped", GET_ROLE),
        (
            "GetRole",
            xml_refused("NoSuchEntity", "gone", 404),
            "role",
            "warning",
            "there is no role",
        ),
        ("GetRole", role({})({}), "role", "error", "does not trust SageMaker"),
        ("SimulatePrincipalPolicy", DENIED, "pass role", "skipped", "SimulatePrincipalPolicy"),
        (
            "SimulatePrincipalPolicy",
            simulated("implicitDeny")({}),
            "pass role",
            "error",
            "may not pass the role",
        ),
        (
            "SimulatePrincipalPolicy",
            simulated("explicitDeny")({}),
            "pass role",
            "error",
            "may not pass the role",
        ),
        ("HEAD", Reply(404), "bucket", "warning", "there is no bucket some-bucket yet"),
        ("HEAD", Reply(403), "bucket", "error", "some-bucket: "),
        (
            "HEAD",
            Reply(200, None, {"x-amz-bucket-region": "us-east-1"}),
            "bucket",
            "error",
            "some-bucket is in us-east-1, the stage in eu-central-1",
        ),
    ],
)
def test_what_stands_against_it_is_told_and_nothing_else_is_left_out(
    account: Account,
    operation: str,
    answer: Reply,
    check: str,
    state: str,
    said: str,
) -> None:
    found = account.examined(operations={operation: lambda asked: answer})
    assert (found[check].state, said in found[check].text) == (state, True), found[check]
    assert {"login", "region", "role", "bucket", "clock"} <= found.keys()
    others = {name for name, one in found.items() if one.state != "ok"}
    assert others <= {check}


@pytest.mark.parametrize(
    ("arn", "asked"),
    [
        ("arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ann"),
        ("arn:aws:sts::123456789012:assumed-role/ml/session-1", ROLE),
    ],
)
def test_the_policies_of_whoever_has_logged_in_count(
    account: Account, arn: str, asked: str
) -> None:
    """Of a role that was taken those of the role, whose path its session does not tell."""
    found = account.examined(operations={"GetCallerIdentity": identity(arn)})
    assert found["pass role"].state == "ok"
    [body] = [body for name, body in account.server.asked if name == "SimulatePrincipalPolicy"]
    assert body["PolicySourceArn"] == asked
    assert body["ResourceArns.member.1"] == ROLE
    assert body["ContextEntries.member.1.ContextKeyValues.member.1"] == "sagemaker.amazonaws.com"


def test_root_may_pass_every_role(account: Account) -> None:
    login = identity("arn:aws:iam::123456789012:root")
    assert account.examined(operations={"GetCallerIdentity": login})["pass role"].state == "ok"
    assert account.server.count("SimulatePrincipalPolicy") == 0


def test_a_role_of_another_account_is_no_role_for_this_login(account: Account) -> None:
    found = account.examined(role=ROLE.replace("123456789012", "999999999999"))
    assert found["role"].state == "error"
    assert "of account 999999999999, the login of 123456789012" in found["role"].text


@pytest.mark.parametrize(
    ("ahead", "said"),
    [(3600, "3600 s behind that of AWS"), (-600, "600 s ahead of that of AWS")],
)
def test_a_clock_that_is_off_is_told_also_where_it_keeps_the_login_away(
    account: Account, ahead: int, said: str
) -> None:
    late = xml_refused("SignatureDoesNotMatch", "Signature not yet current", 403)

    def at(reply: Reply) -> Operation:
        date = {"Date": formatdate(time.time() + ahead, usegmt=True)}
        return lambda asked: Reply(reply.status, reply.body, {**reply.headers, **date})

    found = account.examined(operations={"GetCallerIdentity": at(late)})
    assert [*found] == ["login", "clock"]
    assert found["login"].state == found["clock"].state == "error"
    assert found["clock"].text.startswith("this machine's clock is ")
    seconds, _, rest = found["clock"].text.removeprefix("this machine's clock is ").partition(" ")
    assert abs(int(seconds) - abs(ahead)) < 5 and rest == said.partition(" ")[2]


def test_a_login_that_is_refused_at_the_right_time_says_nothing_of_the_clock(
    account: Account,
) -> None:
    wrong = xml_refused("InvalidClientTokenId", "The security token is invalid", 403)
    found = account.examined(operations={"GetCallerIdentity": lambda asked: wrong})
    assert [*found] == ["login"] and found["login"].state == "error"


def job(type: str, count: int = 1, **more: Any) -> Resource:
    key = Key("training_job", f"{type}-{count}-{len(more)}")
    return Resource(key, {"instance": {"type": type, "count": count}, **more})


def config(**variants: tuple[str, int]) -> Resource:
    told = {
        name: {"instance": {"type": type, "count": count}}
        for name, (type, count) in variants.items()
    }
    told["free"] = {"serverless": {"memory_mb": 1024}}
    return Resource(Key("endpoint_config", "c"), {"variants": told})


def test_what_a_stage_asks_for_is_counted_by_type_and_use() -> None:
    needed = needed_by(
        [
            job("ml.m5.large"),
            job("ml.m5.large", 2),
            job("ml.p3.2xlarge", spot=True),
            config(a=("ml.m5.large", 2), b=("ml.m5.large", 1)),
            Resource(Key("transform_job", "t"), {"instance": {"type": "ml.c5.large", "count": 4}}),
            Resource(Key("processing_job", "p"), {"instance": {"type": "ml.c5.large", "count": 1}}),
            Resource(Key("model", "m"), {"image": "i"}),
        ]
    )
    assert needed == {
        ("ml.m5.large", "training job usage"): 3,
        ("ml.p3.2xlarge", "spot training job usage"): 1,
        ("ml.m5.large", "endpoint usage"): 3,
        ("ml.c5.large", "transform job usage"): 4,
        ("ml.c5.large", "processing job usage"): 1,
    }


OTHERS = [quota(f"ml.x{number}.large for endpoint usage", 1) for number in range(9)]


@pytest.mark.parametrize(
    ("quotas", "state", "said"),
    [
        ({"training job": 5, "endpoint": 4}, "ok", "2 of 4 for endpoint usage, 1 of 5 for train"),
        ({"training job": 5, "endpoint": 3}, "warning", "takes as many again for a while"),
        ({"training job": 0, "endpoint": 9}, "error", "2 of 9 for endpoint usage, 1 of 0 for tr"),
        ({"training job": 1, "endpoint": 1}, "error", "2 of 1 for endpoint usage, 1 of 1 for tr"),
        ({"training job": 1}, "ok", "1 of 1 for training job usage"),
        ({}, "skipped", "AWS tells no quota of that name"),
    ],
)
@pytest.mark.parametrize("where", ["ListServiceQuotas", "ListAWSDefaultServiceQuotas"])
def test_quotas_of_what_the_stage_asks_for_are_judged(
    account: Account,
    where: str,
    quotas: Mapping[str, int],
    state: str,
    said: str,
) -> None:
    told = [quota(f"ml.m5.large for {name} usage", value) for name, value in quotas.items()]
    wishes = job("ml.m5.large"), config(a=("ml.m5.large", 2))
    lists = {where: pages([*OTHERS, *told])}
    found = account.examined(*wishes, operations=lists)["quota of ml.m5.large"]
    assert (found.state, said in found.text) == (state, True), found


def test_all_instance_types_are_looked_up_in_one_pass(account: Account) -> None:
    """AWS has thousands of quotas of SageMaker, and throttles who asks often."""
    types = [f"ml.m{number}.large" for number in range(40)]
    told = [quota(f"{type} for training job usage", 1) for type in types] + OTHERS * 20
    wishes = [job(type) for type in types]
    found = account.examined(*wishes, operations={"ListServiceQuotas": pages(told, 100)})
    assert sum(check.startswith("quota of") for check in found) == 40
    assert account.server.count("ListServiceQuotas") == 3
    assert account.server.count("ListAWSDefaultServiceQuotas") == 0
    account.examined()
    assert account.server.count("ListServiceQuotas") == 0


def test_who_may_not_look_at_quotas_is_told_so_for_each_type(account: Account) -> None:
    no = refused("AccessDeniedException", "not authorized to perform: that")
    wishes = job("ml.m5.large"), job("ml.c5.large")
    found = account.examined(*wishes, operations={"ListServiceQuotas": lambda asked: no})
    for type in ("ml.m5.large", "ml.c5.large"):
        assert found[f"quota of {type}"].state == "skipped"
        assert "servicequotas:ListServiceQuotas" in found[f"quota of {type}"].text
    assert found["clock"].state == "ok"


STAGE = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "{ROLE}", prefix: examined}}
models: [{{key: a, image: "img:1"}}]
"""


def test_the_command_says_it_all_and_ends_as_it_is(aws: Aws, tmp_path: Path) -> None:
    with in_project(tmp_path, aws, aws.environ, {"stages/dev.yaml": STAGE}) as project:
        told = project.run("doctor", "dev", "-o", "json").json
        found = {one["check"]: one for one in told["findings"]}
        assert found["login"]["state"] == found["region"]["state"] == "ok"
        assert found["bucket"]["text"].startswith("there is no bucket sagemaker-eu-central-1-1234")
        project.write("stages/dev.yaml", STAGE.replace("examined}", "x, credentials: {group: a}}"))
        told = project.run("doctor", "dev", code=4)
        assert "CICD_SAGEMAKER_CREDENTIALS is not set" in told.out
