"""ministack: an AWS with CloudFormation, IAM and signatures, in a process of its own.

Asked by HTTPS, as AWS is and as the bucket's policy demands, with a certificate made for the run.
"""

import fcntl
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.engines.servers.daemon import HOST, VAR, Daemon, accepts, free_port, run
from tests.engines.servers.daemon import ROOT as CHECKOUT
from tests.engines.servers.tables import install_ministack

ROOT = "AKIAROOTOFMINISTACK1"
ROOT_SECRET = "only-for-tests"
REGION = "eu-central-1"
AWS_VENV = CHECKOUT / ".venv-aws"  # of the command that `make deploy` calls


@dataclass(frozen=True)
class MiniStack:
    """A running server, and the certificate to trust."""

    url: str
    certificate: Path

    def environment(self, access_key: str = ROOT, secret_key: str = ROOT_SECRET) -> dict[str, str]:
        """Return the variables by which any SDK finds the server, with these keys."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.certificate),
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_REGION": REGION,
        }


@contextmanager
def running(folder: Path) -> Iterator[MiniStack]:
    """Serve from ``folder`` until the end of the block; nothing is kept."""
    _install()
    certificate, key = _certificate(folder)
    port = free_port()
    environment = {
        "AUTH": "true",  # signatures, policies of users and buckets, POST policies
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "0",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "AWS_ACCESS_KEY_ID": ROOT,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
    }
    server = Daemon("ministack", folder)
    server.start([VAR / "ministack/bin/ministack"], environment)
    try:
        server.wait_until(lambda: accepts(port))
        yield MiniStack(f"https://{HOST}:{port}", certificate)
    finally:
        server.kill()  # it would wait for connections that are kept open


def _install() -> None:
    """Install it and `aws`, unless they are; one process of a parallel run, the others wait."""
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / "infra.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_ministack()
        run("make", "-C", CHECKOUT, f"{AWS_VENV.name}/.aws")


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine's own address, good for a day, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ministack of the tests")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths[0].write_bytes(certificate.public_bytes(pem))
    paths[1].write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return paths
