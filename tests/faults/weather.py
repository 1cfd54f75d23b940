"""The faults: each strikes one attempt of a request that the proxy has read."""

from tests.faults.proxy import Exchange, Fault, whole_answer

BOTH = frozenset({"s3", "dynamodb"})
S3, DYNAMODB = frozenset({"s3"}), frozenset({"dynamodb"})
DRIP_SECONDS = 0.01  # between two bytes
XML, JSON = "application/xml", "application/x-amz-json-1.0"


# --- Answers instead of AWS's ---


def _answer(exchange: Exchange, status: int, kind: str, body: bytes) -> None:
    """Answer without carrying the request out; to HEAD without a body."""
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    shown = b"" if exchange.command == "HEAD" else body
    exchange.wfile.write(whole_answer(status, "Whatever", headers, shown))


def _error(exchange: Exchange, status: int, code: str) -> None:
    """Answer with an error in the form of the service that was asked."""
    if "X-Amz-Target" in exchange.headers:
        body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "No."}}'
        _answer(exchange, status, JSON, body.encode())
    else:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
        _answer(exchange, status, XML, body.encode())


def _internal_error(exchange: Exchange) -> None:
    _error(exchange, 500, "InternalError")


def _slow_down(exchange: Exchange) -> None:
    _error(exchange, 503, "SlowDown")


def _throughput_exceeded(exchange: Exchange) -> None:
    _error(exchange, 400, "ProvisionedThroughputExceededException")


def _throttled(exchange: Exchange) -> None:
    _error(exchange, 400, "ThrottlingException")


def _error_in_200(exchange: Exchange) -> None:
    _error(exchange, 200, "InternalError")


def _page_in_200(exchange: Exchange) -> None:
    """Answer with a sign-in page, as a captive portal does; it is well-formed XML."""
    _answer(exchange, 200, "text/html", b"<html><body>Please sign in.</body></html>")


def _nothing_in_200(exchange: Exchange) -> None:
    _answer(exchange, 200, "text/plain", b"")


def _noise(exchange: Exchange) -> None:
    exchange.say(b"\x16\x03\x01 this is not HTTP\r\n\r\n")


# --- Answers that are lost, before or after the effect ---


def _reset_before(exchange: Exchange) -> None:
    exchange.reset()


def _reset_after(exchange: Exchange) -> None:
    exchange.forward(on=None)
    exchange.reset()


def _silent_before(exchange: Exchange) -> None:
    exchange.wait_for_the_client()


def _silent_after(exchange: Exchange) -> None:
    exchange.forward(on=None)
    exchange.wait_for_the_client()


def _late(exchange: Exchange) -> None:
    """Keep the request until the test lets it through, after the client has given up."""
    exchange.plan.late.append(exchange)
    exchange.wait_for_the_client()


# --- Answers that are damaged, after the effect ---


def _page_after(exchange: Exchange) -> None:
    exchange.forward(on=None)
    _page_in_200(exchange)


def _cut_in_the_body(exchange: Exchange) -> None:
    exchange.say(exchange.forward(on=None)[:-1])


def _cut_in_the_head(exchange: Exchange) -> None:
    raw = exchange.forward(on=None)
    exchange.say(raw[: raw.index(b"\r\n") + 20])


def _drip(exchange: Exchange) -> None:
    """Send a byte at a time, so that the read time-out never fires."""
    for byte in exchange.forward(on=None):
        exchange.say(bytes([byte]))
        if exchange.plan.over.wait(DRIP_SECONDS):
            break


FAULTS = [
    Fault("internal-error", _internal_error, BOTH),
    Fault("slow-down", _slow_down, S3),
    Fault("throughput-exceeded", _throughput_exceeded, DYNAMODB),
    Fault("throttled", _throttled, DYNAMODB),
    Fault("error-in-200", _error_in_200, BOTH),
    Fault("page-in-200", _page_in_200, BOTH),
    Fault("nothing-in-200", _nothing_in_200, BOTH),
    Fault("noise", _noise, BOTH),
    Fault("reset-before", _reset_before, BOTH),
    Fault("reset-after", _reset_after, BOTH),
    Fault("silent-before", _silent_before, BOTH, slow=True),
    Fault("silent-after", _silent_after, BOTH, slow=True),
    Fault("late", _late, BOTH, slow=True),
    Fault("page-after", _page_after, BOTH),
    Fault("cut-in-the-body", _cut_in_the_body, BOTH),
    Fault("cut-in-the-head", _cut_in_the_head, BOTH),
]
DRIP = Fault("drip", _drip, BOTH)
