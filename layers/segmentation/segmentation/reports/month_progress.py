"""The progress of a month report, which is saved with its job."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from segmentation.reports import storage
from segmentation.reports.month_rows import Place, Scope
from segmentation.reports.upload_part import EMPTY, Checksum


@dataclass(frozen=True)
class Progress:
    """The place where the next worker continues: the uploaded parts, and the last row read.

    The total is an estimate until all rows are stored. The file name is saved before the upload begins, so an upload
    whose id was not saved is found by the name. kept is the beginning of the next part, in base64. The checksum is that
    of the text so far. A file has ended when its last part is uploaded.
    """

    file_name: str
    scope: Scope
    place: Place
    total: int
    upload_id: str = ""
    tags: tuple[str, ...] = ()
    kept: str = ""
    rows: int = 0
    checksum: Checksum = EMPTY
    has_ended: bool = False

    @property
    def is_compressed(self) -> bool:
        """Return whether the file is compressed."""
        return self.file_name.endswith(".gz")

    def saved(self) -> dict[str, Any]:
        """Return the members to save with the job. Version 1.0.0 may continue the job after a rollback.

        That version knows neither a place among due exits nor a checksum. So they are saved in the upload's id. S3
        knows no upload with such an id, and that version then begins a new file.
        """
        newer = {
            "upload_id": self.upload_id,
            "newest_id": self.scope.newest_id,
            "due_from": self.scope.due_from.isoformat(),
            "user_id": self.place.user_id,
            "segment_id": self.place.segment_id,
            "checksum": asdict(self.checksum),
            "has_ended": self.has_ended,
        }
        members = {
            "file_name": self.file_name,
            "until": self.scope.until.isoformat(),
            "total": self.total,
            "upload_id": json.dumps(newer),
            "tags": self.tags,
            "rows": self.rows,
            "executed_at": self.place.executed_at.isoformat(),
            "history_id": self.place.history_id,
        }
        return members | {"kept": self.kept} if self.kept else members  # versions before 1.0.0 do not know kept

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "Progress":
        """Return a saved progress. Raises UploadGone for a file that version 1.0.0 began: it is begun again."""
        if not saved["upload_id"].startswith("{"):
            raise storage.UploadGone("The upload was begun by an older version.")
        newer = json.loads(saved["upload_id"])
        executed_at = datetime.fromisoformat(saved["executed_at"])
        return cls(
            file_name=saved["file_name"],
            scope=Scope(
                datetime.fromisoformat(saved["until"]), newer["newest_id"], datetime.fromisoformat(newer["due_from"])
            ),
            place=Place(executed_at, saved["history_id"], newer["user_id"], newer["segment_id"]),
            total=saved["total"],
            upload_id=newer["upload_id"],
            tags=tuple(saved["tags"]),
            kept=saved.get("kept", ""),
            rows=saved["rows"],
            checksum=Checksum(**newer["checksum"]),
            has_ended=newer["has_ended"],
        )
