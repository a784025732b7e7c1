"""$default: every request that no route matches, answered with a problem document as everywhere else."""

from segmentation.api.resolver import Api

app = Api()
handler = app.resolve
