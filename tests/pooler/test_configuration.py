"""The shipped configuration encrypts connections, and accepts passwords of any characters."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from psycopg import OperationalError, sql
from psycopg.conninfo import make_conninfo

from local import ports, settings
from segmentation.database.connection import connect
from tests.fix_pooler import Pooler

ODD = """it's "new" \\ 100 %"""


@pytest.fixture
def certificate(tmp_path):
    """The files of a key and of a certificate for the address of the tests' pooler."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime.now(UTC)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ports.HOST))])
    signed = builder.add_extension(address, critical=True).sign(key, hashes.SHA256())
    files = {"client_tls_key_file": tmp_path / "server.key", "client_tls_cert_file": tmp_path / "server.crt"}
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for file, octets in zip(files.values(), (private, signed.public_bytes(Encoding.PEM)), strict=True):
        file.write_bytes(octets)
    return files


@pytest.fixture
def odd_url(roles, superuser, tmp_path):
    """The URL of a role behind a pooler. The password has the special characters of SQL, URLs and files."""
    superuser.execute(sql.SQL("create role odd login password {}").format(sql.Literal(ODD)))
    direct = make_conninfo(roles.url, user="odd", password=ODD)
    pooler = Pooler(settings.Database(direct, roles.owner_url), tmp_path / "pgbouncer")
    pooler.start()
    yield make_conninfo(direct, port=pooler.port)
    pooler.stop()
    superuser.execute("drop role odd")


def test_application_verifies_the_certificate_of_the_pooler(pooler, pooled_database, certificate):
    pooler.start(client_tls_sslmode="require", **certificate)
    verified = {"sslmode": "verify-full", "sslrootcert": certificate["client_tls_cert_file"]}

    with connect(make_conninfo(pooled_database.url, **verified)) as connection:
        assert connection.pgconn.ssl_in_use


def test_application_without_encryption_is_refused(pooler, pooled_database, certificate):
    pooler.start(client_tls_sslmode="require", **certificate)

    with pytest.raises(OperationalError, match="SSL required"):
        connect(make_conninfo(pooled_database.url, sslmode="disable"))


def test_password_may_have_any_characters(odd_url):
    with connect(odd_url) as connection:
        assert connection.execute("select current_user").fetchall() == [("odd",)]
