"""An external OpenID provider: a small HTTP server that serves its keys."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segmentation.access import oidc

AUDIENCE = "segmentation"
RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())


def jwk(private_key, key_id, **members):
    kind = jwt.algorithms.RSAAlgorithm if isinstance(private_key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(private_key.public_key(), as_dict=True), "kid": key_id, "key_ops": ["verify"], **members}


class Provider(HTTPServer):
    """An OpenID provider that serves its keys only, and counts the fetches."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Documents)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.keys = [jwk(RSA, "rsa-1"), jwk(EC, "ec-1")]
        self.name, self.fetches, self.failing = self.issuer, 0, False


class Documents(BaseHTTPRequestHandler):
    def do_GET(self):
        provider = self.server
        documents = {
            "/.well-known/openid-configuration": {"issuer": provider.name, "jwks_uri": f"{provider.issuer}/keys"},
            "/keys": {"keys": provider.keys},
        }
        provider.fetches += self.path == "/keys"
        self.send_response(503 if provider.failing else 200)
        self.end_headers()
        self.wfile.write(json.dumps(documents[self.path]).encode())

    def log_message(self, *_):
        """Write no access log."""


@pytest.fixture
def provider(monkeypatch):
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("OIDC_ISSUER", server.issuer)
        monkeypatch.setenv("OIDC_AUDIENCE", AUDIENCE)
        monkeypatch.setenv("OIDC_ROLE_CLAIM", "roles")
        oidc.key_set.cache_clear()
        yield server
        server.shutdown()
        thread.join()
