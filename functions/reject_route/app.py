"""$default: every request that no route matches, answered with a problem document as everywhere else."""

from segmentation.api import Api

app = Api()
handler = app.resolve
