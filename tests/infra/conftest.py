"""An AWS to deploy to, with the permissions of a deployer and with those of the site."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.infra.ministack import AWS_VENV, REGION, MiniStack, running

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "https://pictures.example.org"
SITE = ("Image=example/site:1", "SiteHost=pictures.example.org")
Done = subprocess.CompletedProcess[str]

# What provision's probe says of ministack, which makes no tags of the form's field.
NO_TAGS = "failed: read its tags: the store has not kept the form's tags"


@dataclass(frozen=True)
class Account:
    """An account on ministack, and the commands that run in it."""

    server: MiniStack
    folder: Path

    def client(self, service: str, **keys_of: str) -> Any:
        """Return a client with all permissions, or those of the keys given."""
        keys = self.server.environment(**keys_of)
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.server.url,
            verify=str(self.server.certificate),
            region_name=REGION,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        )

    def infra(self, *arguments: str, **options: Any) -> Done:
        """Run ``python -m infra`` with a deployer's permissions."""
        if arguments[0] == "deploy":
            self._forget_change_sets(arguments[1])
        env = {**self.server.environment(), "PATH": f"{AWS_VENV / 'bin'}:{os.defpath}"}
        return run("-m", "infra", *arguments, env=env, **options)

    def deploy(self, stack: str, *parameters: str) -> dict[str, str]:
        """Deploy a stack, which must succeed; return its environment."""
        done = self.infra("deploy", stack, *parameters)
        assert done.returncode == 0, done.stderr
        exports = [line.removeprefix("export ") for line in done.stdout.splitlines()]
        return dict(line.split("=", 1) for line in exports)

    def _forget_change_sets(self, stack: str) -> None:
        """Delete what was carried out, for `aws` names two of the same second alike."""
        cloudformation = self.client("cloudformation")
        for found in cloudformation.list_change_sets(StackName=stack)["Summaries"]:
            cloudformation.delete_change_set(StackName=stack, ChangeSetName=found["ChangeSetName"])

    def deploy_site(self, stack: str) -> dict[str, str]:
        """Deploy a stack with a site, which must succeed; return its environment."""
        zone = self.client("route53").create_hosted_zone(Name="example.org", CallerReference=stack)
        zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
        return self.deploy(stack, *SITE, f"HostedZoneId={zone_id}")

    def manage(self, stack: dict[str, str], *arguments: str, **keys: str) -> Done:
        """Run manage.py on a stack."""
        env = {
            **stack,
            **self.server.environment(**keys),
            "SSL_CERT_FILE": str(self.server.certificate),  # for browsers
            "DATABASE_URL": f"sqlite:///{self.folder}/{stack['AVATARS_TABLE']}.sqlite3",
            "ALLOWED_HOSTS": "pictures.example.org,testserver",
            "DEBUG": "true",
            "DEMO": "true",
        }
        return run("manage.py", *arguments, env=env)

    def made(self, stack: str) -> dict[str, str]:
        """Return the resources of the stack: logical and physical names."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            found["LogicalResourceId"]: found["PhysicalResourceId"]
            for page in pages.paginate(StackName=stack)
            for found in page["StackResourceSummaries"]
        }

    def variables_of_the_site(self, stack: str) -> dict[str, str]:
        """Return the environment of the stack's container."""
        task = self.made(stack)["SiteTask"]
        found = self.client("ecs").describe_task_definition(taskDefinition=task)
        site = found["taskDefinition"]["containerDefinitions"][1]
        return {each["name"]: each["value"] for each in site["environment"]}


@dataclass(frozen=True)
class Stack:
    """A deployed stack of bucket, tables and permissions."""

    account: Account
    name: str
    environment: dict[str, str]

    @cached_property
    def bucket(self) -> str:
        """Return the bucket's name."""
        return self.environment["AWS_STORAGE_BUCKET_NAME"]

    @cached_property
    def table(self) -> str:
        """Return the name of the table of pictures."""
        return self.environment["AVATARS_TABLE"]

    @cached_property
    def files_table(self) -> str:
        """Return the name of the table of files."""
        return self.environment["FILES_TABLE"]

    def provision(self, *arguments: str) -> tuple[int, list[str]]:
        """Run ``provision`` with a deployer's permissions; return its exit status and lines."""
        done = self.account.manage(self.environment, "provision", *arguments)
        assert done.returncode < 2, done.stderr
        return done.returncode, done.stdout.splitlines()

    def keys_of_the_site(self) -> dict[str, str]:
        """Return keys with exactly the site's permissions."""
        iam, name = self.account.client("iam"), f"{self.name}-site"
        policy = self.account.made(self.name)["SitePermissions"]
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


def run(*arguments: str, env: dict[str, str], **options: Any) -> Done:
    """Run Python with ``arguments`` and no other variable than ``env``."""
    return subprocess.run(  # noqa: S603 (our own commands)
        [sys.executable, *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Return an empty account."""
    folder = tmp_path_factory.mktemp("ministack")
    with running(folder) as server:
        yield Account(server, folder)


@pytest.fixture
def stack(account: Account, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Return a stack of its own for the test."""
    name = f"test-{abs(hash(request.node.name))}"
    yield Stack(account, name, account.deploy(name, f"SiteOrigins={ORIGIN}"))
    account.infra("destroy", name, "--yes")
