"""The network of a created database: its zones, and one more VPC."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from tools.preflight.findings import Finding, obstacle
from tools.preflight.plan import Plan

WITHOUT_PROXY = {"use1-az3", "usw1-az2"}
"""Zones without RDS Proxy. AWS names them in "Quotas and limitations for RDS Proxy"."""

VPCS_PER_REGION = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
USUAL_VPCS = 5


def check(plan: Plan) -> Iterator[Finding]:
    """Yield what the network lacks. A stack with an existing database creates none."""
    if plan.is_true("CreateDatabase"):
        yield from _check_zones(plan)
        yield from _check_vpcs(plan)


def _check_zones(plan: Plan) -> Iterator[Finding]:
    ids = {each["ZoneName"]: each["ZoneId"] for each in _zones(plan)}
    chosen = [name for name in plan.value("VpcZones").split(",") if name] or _first_zones(plan, sorted(ids))
    for name in chosen:
        if name not in ids:
            yield obstacle(f"VpcZones: this account has no zone {name}. It has {', '.join(sorted(ids))}.")
        elif plan.needs_proxy and ids[name] in WITHOUT_PROXY:
            others = [other for other in sorted(ids) if ids[other] not in WITHOUT_PROXY]
            yield obstacle(f"RDS Proxy does not exist in {name} ({ids[name]}). Set VpcZones={','.join(others[:2])}.")


def _zones(plan: Plan) -> list[dict[str, str]]:
    only = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    zones: list[dict[str, str]] = plan.client("ec2").describe_availability_zones(Filters=only)["AvailabilityZones"]
    return zones


def _first_zones(plan: Plan, names: list[str]) -> list[str]:
    """Return the two zones that Fn::GetAZs lists first: those with a default subnet, if there are any."""
    only = [{"Name": "default-for-az", "Values": ["true"]}]
    subnets = plan.client("ec2").describe_subnets(Filters=only)["Subnets"]
    return (sorted({each["AvailabilityZone"] for each in subnets}) or names)[:2]


def _check_vpcs(plan: Plan) -> Iterator[Finding]:
    number, most = len(plan.client("ec2").describe_vpcs()["Vpcs"]), _vpc_quota(plan)
    if number >= most:
        yield obstacle(f"The region has {number} VPCs of at most {most}. Delete one, or request a higher quota.")


def _vpc_quota(plan: Plan) -> int:
    try:
        return int(plan.client("service-quotas").get_service_quota(**VPCS_PER_REGION)["Quota"]["Value"])
    except ClientError:  # without the permission to ask, the usual quota is the best guess
        return USUAL_VPCS
