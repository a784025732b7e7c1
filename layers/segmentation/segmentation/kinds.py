"""The kinds of jobs there are."""

from segmentation import month_report, removal, rollout_job
from segmentation.jobs import Kind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (month_report.KIND, rollout_job.KIND, removal.KIND)}
