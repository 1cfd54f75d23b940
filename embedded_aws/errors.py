"""The errors of S3, DynamoDB, SQS and SNS, with their codes and messages.

AWS: "Error responses" (S3 API Reference). Where real answers differ from that page (the messages
of EntityTooLarge and MaxPostPreDataLengthExceeded, the 412 for a form that is not multipart), they
are followed: as recorded by LocalStack's AWS-validated tests and in public issue reports.
"""

import json
from collections.abc import Mapping
from xml.sax.saxutils import escape

SIGNATURE_MISMATCH = (
    "The request signature we calculated does not match the signature you provided."
    " Check your key and signing method."
)
CORS_REFUSED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of"
    " Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers"
    " are not whitelisted by the resource's CORS spec."
)


class S3Error(Exception):
    """A refusal by S3: code, message, HTTP status, and further elements of the document."""

    def __init__(
        self, code: str, message: str, status: int, details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = dict(details or {})

    def xml(self, *, resource: str, request_id: str) -> bytes:
        """Return the ``<Error>`` document."""
        elements = {
            "Code": self.code,
            "Message": self.message,
            **self.details,
            "Resource": resource,
            "RequestId": request_id,
        }
        inner = "".join(f"<{name}>{xml_text(text)}</{name}>" for name, text in elements.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


class ServiceError(Exception):
    """A refusal by DynamoDB, SQS (in JSON) or SNS (in XML).

    AWS: "Error handling with DynamoDB", "Common errors" of SQS and SNS.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status

    def json(self) -> bytes:
        """Return the error document of the JSON protocol."""
        kind = f"com.amazon.coral.service#{self.code}"
        return json.dumps({"__type": kind, "message": self.message}).encode()

    def xml(self, request_id: str) -> bytes:
        """Return the error document of the query protocol."""
        kind = "Receiver" if self.status >= 500 else "Sender"
        elements = {"Type": kind, "Code": self.code, "Message": self.message}
        inner = "".join(f"<{name}>{xml_text(text)}</{name}>" for name, text in elements.items())
        error = f"<Error>{inner}</Error><RequestId>{request_id}</RequestId>"
        return f"<ErrorResponse>{error}</ErrorResponse>".encode()


def xml_text(text: str) -> str:
    """Return ``text`` escaped for XML, without the control characters that XML cannot hold."""
    return escape("".join(c for c in text if c >= " " or c in "\t\n\r"))


def access_denied(message: str = "Access Denied", **details: str) -> S3Error:
    return S3Error("AccessDenied", message, 403, details)


def invalid_argument(message: str, name: str, value: str = "") -> S3Error:
    return S3Error("InvalidArgument", message, 400, {"ArgumentName": name, "ArgumentValue": value})


def invalid_request(message: str) -> S3Error:
    return S3Error("InvalidRequest", message, 400)


def only_one_mechanism() -> S3Error:
    return invalid_argument(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature"
        " query string parameter or the Authorization header should be specified",
        "Authorization",
    )


def only_signature_version_4() -> S3Error:
    return invalid_request(
        "The authorization mechanism you have provided is not supported."
        " Please use AWS4-HMAC-SHA256."
    )


def unknown_access_key(access_key: str) -> S3Error:
    return S3Error(
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        403,
        {"AWSAccessKeyId": access_key},
    )


def signature_mismatch(access_key: str, string_to_sign: str, provided: str) -> S3Error:
    return S3Error(
        "SignatureDoesNotMatch",
        SIGNATURE_MISMATCH,
        403,
        {
            "AWSAccessKeyId": access_key,
            "StringToSign": string_to_sign,
            "SignatureProvided": provided,
            "StringToSignBytes": string_to_sign.encode().hex(" "),
        },
    )


def malformed_xml() -> S3Error:
    return S3Error(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
        400,
    )


def no_such_upload(upload_id: str) -> S3Error:
    return S3Error(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may"
        " have been aborted or completed.",
        404,
        {"UploadId": upload_id},
    )


def malformed_form() -> S3Error:
    return S3Error(
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
        400,
    )


def method_not_allowed(method: str) -> S3Error:
    return S3Error(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        {"Method": method},
    )


def not_implemented(header: str) -> S3Error:
    return S3Error(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        501,
        {"Header": header},
    )


def precondition_failed(condition: str) -> S3Error:
    return S3Error(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        {"Condition": condition},
    )


def no_such_key(key: str) -> S3Error:
    return S3Error("NoSuchKey", "The specified key does not exist.", 404, {"Key": key})


def entity_too_large(proposed: int, allowed: int) -> S3Error:
    return S3Error(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        400,
        {"ProposedSize": str(proposed), "MaxSizeAllowed": str(allowed)},
    )


def entity_too_small(proposed: int, allowed: int) -> S3Error:
    return S3Error(
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
        400,
        {"ProposedSize": str(proposed), "MinSizeAllowed": str(allowed)},
    )
