"""The bucket of reports and the queue of jobs, as AWS gets them."""

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


def test_the_buckets_policy_only_refuses(refusals):
    assert {each["Effect"] for each in refusals.values()} == {"Deny"}
    assert all(each["Principal"] == "*" and each["Action"] == "s3:*" for each in refusals.values())
    assert all(each["Resource"] == EVERYTHING for each in refusals.values())


def test_nobody_gets_a_report_without_tls(refusals):
    assert refusals["OnlyOverTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_link_is_good_for_longer_than_the_service_says(refusals):
    milliseconds = str(storage.LINK_SECONDS * 1000)

    condition = refusals["NoLinkOlderThanAQuarterOfAnHour"]["Condition"]

    assert condition == {"NumericGreaterThan": {"s3:signatureAge": milliseconds}}


def test_old_reports_and_abandoned_uploads_go_by_themselves(resources):
    rules = {rule["Id"]: rule for rule in resources["ReportsBucket"]["LifecycleConfiguration"]["Rules"]}

    assert rules["OldReports"]["Prefix"] == storage.PREFIX
    assert rules["OldReports"]["ExpirationInDays"] == {"Ref": "ReportRetentionDays"}
    assert rules["AbandonedUploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}


def test_the_queue_feeds_the_worker_one_message_at_a_time_and_keeps_what_fails(resources):
    mapping = resources["RunJobFromQueue"]

    assert mapping["FunctionName"] == {"Ref": "RunJob"}
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["JobsQueue", "Arn"]}
    assert mapping["BatchSize"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_a_message_stays_away_for_longer_than_a_worker_can_take(resources):
    assert resources["JobsQueue"]["VisibilityTimeout"] == 6 * resources["RunJob"]["Timeout"]


def test_what_failed_as_often_as_a_job_may_is_kept_for_two_weeks(resources):
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
