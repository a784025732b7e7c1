"""The bucket of reports and the queue of jobs in the translated template."""

import pytest

from segmentation.jobs import leases
from segmentation.reports import storage

EVERYTHING = [{"Fn::GetAtt": ["ReportsBucket", "Arn"]}, {"Fn::Sub": "${ReportsBucket.Arn}/*"}]


@pytest.fixture(scope="module")
def resources(translated):
    return {name: resource.get("Properties", {}) for name, resource in translated["Resources"].items()}


@pytest.fixture(scope="module")
def refusals(resources):
    document = resources["ReportsBucketPolicy"]["PolicyDocument"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_the_bucket_is_private_and_encrypted(resources):
    bucket = resources["ReportsBucket"]

    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_the_policy_of_the_bucket_only_denies(refusals):
    assert {each["Effect"] for each in refusals.values()} == {"Deny"}
    assert all(each["Principal"] == "*" and each["Action"] == "s3:*" for each in refusals.values())
    assert all(each["Resource"] == EVERYTHING for each in refusals.values())


def test_the_bucket_denies_requests_without_tls(refusals):
    assert refusals["OnlyOverTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_link_lives_longer_than_the_service_says(refusals):
    milliseconds = str(storage.LINK_SECONDS * 1000)

    condition = refusals["NoLinkOlderThanAQuarterOfAnHour"]["Condition"]

    assert condition == {"NumericGreaterThan": {"s3:signatureAge": milliseconds}}


def test_old_reports_and_abandoned_uploads_expire(resources):
    rules = {rule["Id"]: rule for rule in resources["ReportsBucket"]["LifecycleConfiguration"]["Rules"]}

    assert rules["OldReports"]["Prefix"] == storage.PREFIX
    assert rules["OldReports"]["ExpirationInDays"] == {"Ref": "ReportRetentionDays"}
    assert rules["AbandonedUploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}


def test_the_queue_sends_the_worker_one_message_at_a_time_and_keeps_a_failed_one(resources):
    mapping = resources["RunJobFromQueue"]

    assert mapping["FunctionName"] == {"Ref": "RunJobAliaslive"}
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["JobsQueue", "Arn"]}
    assert mapping["BatchSize"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_a_message_stays_invisible_for_longer_than_a_worker_runs(resources):
    assert resources["JobsQueue"]["VisibilityTimeout"] == 6 * resources["RunJob"]["Timeout"]


def test_a_message_that_failed_at_every_attempt_is_kept_for_two_weeks(resources):
    redrive = resources["JobsQueue"]["RedrivePolicy"]

    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["JobsDeadLetters", "Arn"]}
    assert redrive["maxReceiveCount"] == leases.MAX_ATTEMPTS
    assert resources["JobsDeadLetters"]["MessageRetentionPeriod"] == 14 * 24 * 60 * 60


@pytest.mark.parametrize("queue", ["JobsQueue", "JobsDeadLetters", "DeadLetters"])
def test_queues_are_encrypted(resources, queue):
    assert resources[queue]["SqsManagedSseEnabled"] is True


def test_functions_without_internet_may_send_jobs_and_nothing_else(resources):
    [statement] = resources["QueueEndpoint"]["PolicyDocument"]["Statement"]

    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == [{"Fn::GetAtt": [queue, "Arn"]} for queue in ("JobsQueue", "JobsDeadLetters")]
    assert resources["QueueEndpoint"]["PrivateDnsEnabled"] is True
