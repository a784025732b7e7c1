"""$default: the requests that no route matches. The answer is a problem document, as on all routes."""

from segmentation.api.resolver import Api

app = Api()
handler = app.resolve
