"""The database: the version that the region offers, or the secrets of an existing one."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan

SECRETS = ("DatabaseSecretArn", "DatabaseOwnerSecretArn")


def check(plan: Plan) -> Iterator[Finding]:
    """Yield what the database lacks."""
    return _check_version(plan) if plan.is_true("CreateDatabase") else _check_secrets(plan)


def _check_version(plan: Plan) -> Iterator[Finding]:
    version = plan.value("DatabaseEngineVersion")
    options = plan.client("rds").describe_orderable_db_instance_options(
        Engine="aurora-postgresql", EngineVersion=version, DBInstanceClass="db.serverless"
    )
    if not options["OrderableDBInstanceOptions"]:
        yield obstacle(f"The region offers no Aurora Serverless v2 of version {version}. Set DatabaseEngineVersion.")


def _check_secrets(plan: Plan) -> Iterator[Finding]:
    for name in SECRETS:
        if not plan.value(name):
            yield obstacle(f"{name} is needed, unless CreateDatabase is true.")
            continue
        try:
            plan.client("secretsmanager").describe_secret(SecretId=plan.value(name))
        except ClientError as error:
            yield obstacle(f"{name}: Secrets Manager answers {error.response['Error']['Code']}.")
