"""The progress of a month report, which is saved with its job."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from segmentation.reports import storage
from segmentation.reports.month_rows import Place, Scope
from segmentation.reports.stored_file import FileProgress, StoredFile
from segmentation.reports.upload_part import Checksum


@dataclass(frozen=True)
class Progress(FileProgress[Place]):
    """The file so far, and the rows that the report reads."""

    scope: Scope

    def saved(self) -> dict[str, Any]:
        """Return the members to save with the job. Version 1.0.0 may continue the job after a rollback.

        That version knows neither a place among due exits nor a checksum. So they are saved in the upload's id. S3
        knows no upload with such an id, and that version then begins a new file.
        """
        file, place = self.file, self.file.place
        newer = {
            "upload_id": file.upload_id,
            "newest_id": self.scope.newest_id,
            "due_from": self.scope.due_from.isoformat(),
            "user_id": place.user_id,
            "segment_id": place.segment_id,
            "checksum": asdict(file.checksum),
            "has_ended": file.has_ended,
        }
        members = {
            "file_name": file.file_name,
            "until": self.scope.until.isoformat(),
            "total": self.total,
            "upload_id": json.dumps(newer),
            "tags": file.tags,
            "rows": file.rows,
            "executed_at": place.executed_at.isoformat(),
            "history_id": place.history_id,
        }
        return members | {"kept": file.kept} if file.kept else members  # versions before 1.0.0 do not know kept

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "Progress":
        """Return a saved progress. Raises UploadGone for a file that version 1.0.0 began: it is begun again."""
        if not saved["upload_id"].startswith("{"):
            raise storage.UploadGone("The upload was begun by an older version.")
        newer = json.loads(saved["upload_id"])
        executed_at = datetime.fromisoformat(saved["executed_at"])
        file = StoredFile(
            saved["file_name"],
            Place(executed_at, saved["history_id"], newer["user_id"], newer["segment_id"]),
            upload_id=newer["upload_id"],
            tags=tuple(saved["tags"]),
            kept=saved.get("kept", ""),
            rows=saved["rows"],
            checksum=Checksum(**newer["checksum"]),
            has_ended=newer["has_ended"],
        )
        scope = Scope(
            datetime.fromisoformat(saved["until"]), newer["newest_id"], datetime.fromisoformat(newer["due_from"])
        )
        return cls(file, saved["total"], scope)
