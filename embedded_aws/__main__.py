"""python -m embedded_aws: serve S3, DynamoDB, SQS and SNS until SIGINT or SIGTERM."""

import os
import sys
from argparse import ArgumentParser

from embedded_aws.server import EmbeddedAWS


def main() -> int:
    """Serve until told to end, and return the exit status."""
    parser = ArgumentParser(
        prog="python -m embedded_aws",
        description="Serve S3, DynamoDB, SQS and SNS. Everything stored is gone when it ends.",
        epilog="Requests must be signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    )
    parser.add_argument("--port", type=int, default=9000, help="on 127.0.0.1 (default 9000)")
    parser.add_argument("--region", default=os.environ.get("AWS_REGION", "us-east-1"))
    options = parser.parse_args()
    keys = {
        name: os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }
    if missing := [name for name, value in keys.items() if not value]:
        parser.error(f"it checks signatures: set {' and '.join(missing)}")
    access_key, secret_key = keys.values()
    aws = EmbeddedAWS(
        port=options.port, access_key=access_key, secret_key=secret_key, region=options.region
    )
    try:
        aws.serve_until_told(lambda url: print(f"The embedded AWS listens on {url}", flush=True))
    except (OSError, OverflowError) as error:
        parser.error(f"port {options.port} of 127.0.0.1 cannot be served: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
