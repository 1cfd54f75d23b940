"""A deployment to ministack: its properties, the three phases on it, updates, its deletion.

ministack ignores the template's lifecycle rules and point-in-time recovery; for those
test_storage.py compares the template with what ``provision`` sets.
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.protection import POLICY
from tests.infra.conftest import NO_TAGS, SITE, Account, Stack, run
from tests.infra.flows import STRANGE

pytestmark = pytest.mark.engines

WALK = ("shell", "--no-imports", "-c", "from tests.infra.walk import walk; walk()")


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the code of AWS's refusal."""
    return str(refused.value.response["Error"]["Code"])


# --- What was applied ---


def test_plain_http_is_refused(stack: Stack) -> None:
    """ministack reads the scheme from ``X-Forwarded-Proto``."""
    account, s3 = stack.account, stack.account.client("s3")
    keys = stack.keys_of_the_site()
    site = account.client("s3", **keys)

    def by_plain_http(request: Any, **_: Any) -> None:
        request.headers["X-Forwarded-Proto"] = "http"

    site.put_object(Bucket=stack.bucket, Key="avatars/a/x", Body=b"x")
    site.meta.events.register("before-send.s3", by_plain_http)
    with pytest.raises(ClientError) as refused:
        site.get_object(Bucket=stack.bucket, Key="avatars/a/x")

    assert code(refused) == "AccessDenied"
    assert s3.get_object(Bucket=stack.bucket, Key="avatars/a/x")


def test_provision_finds_only_what_ministack_left_out(stack: Stack) -> None:
    """It reads every feature of bucket and tables from the running server, and tries an upload."""
    tables = [f"point-in-time recovery of {table}" for table in (stack.table, stack.files_table)]
    left_out = ["lifecycle", *tables, f"time to live in {stack.files_table}"]

    assert stack.provision("--check") == (1, [*(f"differs: {name}" for name in left_out), NO_TAGS])
    assert stack.provision() == (1, [*(f"changed: {name}" for name in left_out), NO_TAGS])
    assert stack.provision("--check") == (1, [NO_TAGS])


# --- The product on it ---


def test_three_phases_pass_with_the_permissions_of_the_site(stack: Stack) -> None:
    """ministack checks signatures and permissions, and refuses calls that are not granted."""
    stack.provision()
    stack.account.client("s3").put_object(Bucket=stack.bucket, Key=STRANGE, Body=b"x")

    walked = stack.account.manage(stack.environment, *WALK, **stack.keys_of_the_site())

    assert walked.returncode == 0, walked.stderr
    assert walked.stdout.splitlines()[-1] == f"left: {STRANGE}"


def test_demo_data_are_made_with_the_permissions_of_the_site(stack: Stack) -> None:
    keys = stack.keys_of_the_site()

    stack.account.manage(stack.environment, "migrate", **keys)
    seeded = stack.account.manage(stack.environment, "seed_demo", **keys)

    assert seeded.returncode == 0, seeded.stderr
    assert seeded.stdout.count("made account and picture") == 3
    objects = stack.account.client("s3").list_objects_v2(Bucket=stack.bucket)["Contents"]
    assert [row["Key"].partition("/")[0] for row in objects] == ["avatars"] * 3


def test_site_is_refused_what_it_does_not_need(stack: Stack) -> None:
    site = stack.keys_of_the_site()
    s3, dynamodb = (stack.account.client(name, **site) for name in ("s3", "dynamodb"))
    bucket = {"Bucket": stack.bucket}
    item, entry = {"owner_id": {"S": "a"}}, {"pk": {"S": "O#a"}, "sk": {"S": "F#x"}}
    refusals: list[Callable[[], object]] = [
        lambda: s3.put_object(**bucket, Key="elsewhere/x", Body=b"x"),
        lambda: s3.put_object_tagging(**bucket, Key="avatars/a/x", Tagging={"TagSet": []}),
        lambda: s3.delete_object_tagging(**bucket, Key="avatars/a/x"),
        lambda: s3.create_multipart_upload(**bucket, Key="elsewhere/x"),
        lambda: s3.put_bucket_notification_configuration(**bucket, NotificationConfiguration={}),
        lambda: s3.delete_object(**bucket, Key="elsewhere/x"),
        lambda: s3.put_bucket_cors(**bucket, CORSConfiguration={"CORSRules": []}),
        lambda: s3.delete_bucket_policy(**bucket),
        lambda: dynamodb.delete_item(TableName=stack.table, Key=item),
        lambda: dynamodb.delete_table(TableName=stack.table),
        lambda: dynamodb.delete_item(TableName=stack.files_table, Key=entry),
        lambda: dynamodb.delete_table(TableName=stack.files_table),
    ]

    for refusal in refusals:
        with pytest.raises(ClientError) as refused:
            refusal()
        assert code(refused) in {"AccessDenied", "AccessDeniedException"}


# --- Again, otherwise, and no more ---


def test_nothing_is_changed_but_protection_when_it_is_deployed_again(stack: Stack) -> None:
    """An interrupted ``destroy`` leaves the tables without protection."""
    dynamodb, before = stack.account.client("dynamodb"), stack.account.made(stack.name)
    for name in (stack.table, stack.files_table):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)

    again = stack.account.deploy(stack.name)

    for name in (stack.table, stack.files_table):
        table = dynamodb.describe_table(TableName=name)["Table"]
        assert table["DeletionProtectionEnabled"] is True
    assert again == stack.environment
    assert stack.account.made(stack.name) == before


def test_updates_that_lose_data_are_forbidden_before_each(stack: Stack) -> None:
    """ministack keeps the stack policy, and does not enforce it."""
    cloudformation, name = stack.account.client("cloudformation"), {"StackName": stack.name}
    at_first = cloudformation.get_stack_policy(**name)["StackPolicyBody"]
    cloudformation.set_stack_policy(**name, StackPolicyBody="{}")

    failed = stack.account.infra("deploy", stack.name, "RestoredTable=x")

    assert "RestoredTable" in failed.stderr
    assert at_first == POLICY.read_text()
    assert cloudformation.get_stack_policy(**name)["StackPolicyBody"] == at_first


def test_parameter_is_changed_and_all_else_stays_when_it_is_deployed_otherwise(
    stack: Stack,
) -> None:
    account, tags = stack.account, [{"Key": "costs", "Value": "a=b c"}]
    s3, cloudformation = account.client("s3"), account.client("cloudformation")
    s3.put_object(Bucket=stack.bucket, Key="avatars/a/x", Body=b"x")
    cloudformation.update_stack(
        StackName=stack.name,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "SiteOrigins", "UsePreviousValue": True}],
        Capabilities=["CAPABILITY_IAM"],
        Tags=tags,
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack.name)

    after = account.deploy(stack.name, "SiteOrigins=https://elsewhere.example")

    [cors] = s3.get_bucket_cors(Bucket=stack.bucket)["CORSRules"]
    [described] = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
    assert cors["AllowedOrigins"] == ["https://elsewhere.example"]
    assert after == {**stack.environment, "SITE_ORIGINS": "https://elsewhere.example"}
    assert s3.get_object(Bucket=stack.bucket, Key="avatars/a/x")["Body"].read() == b"x"
    assert described["Tags"] == tags


def test_everything_is_gone_when_it_is_destroyed(account: Account) -> None:
    before = account.deploy("short-lived")
    bucket = before["AWS_STORAGE_BUCKET_NAME"]
    tables = {before["AVATARS_TABLE"], before["FILES_TABLE"]}
    role = account.made("short-lived")["SiteRole"]
    account.client("s3").put_object(Bucket=bucket, Key="avatars/a/x", Body=b"x")

    done = account.infra("destroy", "short-lived", input="short-lived\n")

    assert done.returncode == 0, done.stderr
    assert bucket not in str(account.client("s3").list_buckets()["Buckets"])
    assert not tables & set(account.client("dynamodb").list_tables()["TableNames"])
    assert role not in str(account.client("iam").list_roles()["Roles"])


def test_everything_stays_when_another_name_is_typed(stack: Stack) -> None:
    done = stack.account.infra("destroy", stack.name, input="another\n")

    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert stack.bucket in str(stack.account.client("s3").list_buckets()["Buckets"])


# --- The site, too ---


def test_whole_site_is_made_changed_and_removed(account: Account) -> None:
    before = account.deploy_site("whole")
    environment = account.deploy("whole", "RateLimitStorage=redis://10.20.0.9:6379")

    made = account.made("whole")
    assert environment == {**before, "RATE_LIMIT_STORAGE": "redis://10.20.0.9:6379"}
    assert environment["SITE_ORIGINS"] == "https://pictures.example.org"
    assert account.variables_of_the_site("whole") == environment
    [database] = account.client("rds").describe_db_instances(DBInstanceIdentifier=made["Database"])[
        "DBInstances"
    ]
    assert database["DeletionProtection"] is True
    secrets = account.client("secretsmanager")
    url = secrets.get_secret_value(SecretId=made["DatabaseUrl"])["SecretString"]
    assert url.startswith("postgres://triphase:")
    assert url.endswith(f"@{database['Endpoint']['Address']}:5432/triphase?sslmode=require")

    done = account.infra("destroy", "whole", "--yes")
    assert done.returncode == 0, done.stderr
    assert "last snapshot" in done.stderr
    assert account.client("rds").describe_db_instances()["DBInstances"] == []


def test_cause_is_told_when_it_cannot_be_made(account: Account) -> None:
    """Only ``destroy`` can remove the empty stack that is left."""
    failed = account.infra("deploy", "hopeless", *SITE, "HostedZoneId=ZNOBODYHASTHIS")
    again = account.infra("deploy", "hopeless")
    gone = account.infra("destroy", "hopeless", "--yes")

    assert (failed.returncode, again.returncode, gone.returncode) == (1, 1, 0)
    assert "its state is ROLLBACK_COMPLETE.\n  Address: No hosted zone" in failed.stderr
    assert "make destroy STACK=hopeless" in again.stderr


def test_only_the_latest_cause_is_told_and_data_stay_when_updates_fail(stack: Stack) -> None:
    first, second = (
        stack.account.infra("deploy", stack.name, *SITE, f"HostedZoneId={zone}")
        for zone in ("ZTHEFIRST", "ZTHESECOND")
    )

    assert "its state is UPDATE_ROLLBACK_COMPLETE.\n  Address: No hosted zone" in first.stderr
    assert ("ZTHEFIRST" in second.stderr, "ZTHESECOND" in second.stderr) == (False, True)
    assert stack.account.deploy(stack.name) == stack.environment


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["deploy", "new", "Size=large"], "There is no parameter Size; there are DailyState"),
        (["deploy", "new", "Image"], "must be of format Key=Value"),
        (["deploy", "new", "Image=x"], "Image needs SiteHost"),
        (["deploy", "new", "SiteHost=https://a.example"], "must be a name such as"),
        (["deploy", "new", "SiteOrigins=https://a.example,b"], "must be origins such as"),
        (["manage", "nowhere", "--", "check"], "There is no stack called nowhere."),
        (["destroy", "nowhere", "--yes"], "There is no stack called nowhere."),
    ],
)
def test_problem_is_told_and_nothing_printed_when_it_cannot_be_done(
    account: Account, arguments: list[str], problem: str
) -> None:
    done = account.infra(*arguments)

    assert done.returncode == 1
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_it_is_told_where_aws_comes_from_when_it_is_missing(account: Account) -> None:
    done = run("-m", "infra", "deploy", "new", env=account.server.environment())

    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no aws command. `make deploy` installs one." in done.stderr
