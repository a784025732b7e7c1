"""The progress of a month report, which is saved with its job."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from segmentation.reports import storage
from segmentation.reports.upload_part import EMPTY, Checksum


@dataclass(frozen=True)
class Progress:
    """The place where the next worker continues: the uploaded parts, and the last row read.

    The total is an estimate until all rows are stored. The file name is saved before the upload begins, so an upload
    whose id was not saved is found by the name. kept is the beginning of the next part, in base64. The checksum is that
    of the text so far. A compressed file has ended when its trailer is uploaded.
    """

    file_name: str
    until: str
    total: int
    upload_id: str = ""
    tags: tuple[str, ...] = ()
    kept: str = ""
    rows: int = 0
    executed_at: str = "0001-01-01T00:00:00+00:00"
    history_id: int = 0
    checksum: Checksum = EMPTY
    has_ended: bool = False

    @property
    def is_compressed(self) -> bool:
        """Return whether the file is compressed."""
        return self.file_name.endswith(".gz")

    def saved(self) -> dict[str, Any]:
        """Return the members to save with the job. Version 1.0.0 may continue the job after a rollback.

        That version would end the file with a second gzip member. So the checksum is saved in the upload's id. S3 knows
        no upload with such an id, and that version then begins a new file.
        """
        members = asdict(self)
        del members["checksum"], members["has_ended"]
        if self.is_compressed and self.upload_id:
            end = f"{self.checksum.crc} {self.checksum.length} {int(self.has_ended)}"
            members["upload_id"] = f"{self.upload_id} {end}"
        if not self.kept:
            del members["kept"]  # versions before 1.0.0 do not know this member
        return members

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "Progress":
        """Return a saved progress. A compressed file without a checksum is begun again: its parts are gzip members."""
        progress = cls(**saved | {"tags": tuple(saved["tags"])})
        if not progress.is_compressed or not progress.upload_id:
            return progress
        upload_id, *numbers = progress.upload_id.split()
        if not numbers:
            raise storage.UploadGone("The upload was begun by an older version.")
        crc, length, has_ended = map(int, numbers)
        return replace(progress, upload_id=upload_id, checksum=Checksum(crc, length), has_ended=bool(has_ended))
