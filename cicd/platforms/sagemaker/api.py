"""Calls of AWS: clients that all threads share, lists page by page, errors of ours."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any

from cicd.errors import ConnectionFailed, Denied, LostAnswer, PlatformError
from cicd.platforms.sagemaker.answers import is_whole, refusal
from cicd.platforms.sagemaker.nouns import Noun

import_module("boto3")  # where it is missing, that is told when a stage is opened
BOTOCORE = logging.getLogger("botocore")
if BOTOCORE.level == logging.NOTSET:
    # below that it tells of each request with its login; whoever wants it sets another level
    BOTOCORE.setLevel(logging.INFO)
PAGE = 100
MOST_PAGES = 1000
"""After so many pages of one list something else is wrong."""
SECOND = 10**9
OF_OBJECTS = frozenset({"PutObject", "GetObject", "HeadObject"})
"""What S3 always answers with a tag, though its service model does not say so."""


class Api:
    """AWS as one stage uses it. ``connect``: makes the session of boto3 when it is first needed;
    ``url``: where all services are, empty for AWS itself."""

    def __init__(self, connect: Callable[[], Any], region: str, url: str = "") -> None:
        self._connect = connect
        self.region = region
        self.url = url
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._ahead = 0

    def call(self, service: str, operation: str, *, is_write: bool = False, **body: Any) -> Any:
        """One operation, by boto3's name for it. Raises errors of ours; LostAnswer for a write that
        may have had its effect."""
        with self.translated(service, is_write=is_write) as client:
            return getattr(client, operation)(**body)

    def read(self, operation: str, **body: Any) -> Any:
        """A question to SageMaker."""
        return self.call("sagemaker", operation, **body)

    def write(self, operation: str, **body: Any) -> Any:
        """A change by SageMaker."""
        return self.call("sagemaker", operation, is_write=True, **body)

    def describe(self, noun: Noun, name: str) -> dict[str, Any]:
        """All that is told of one thing. Raises NotFound."""
        told: dict[str, Any] = self.read(f"describe_{noun.kind}", **{noun.name: name})
        return told

    def listed(self, noun: Noun, contains: str = "") -> Iterator[dict[str, Any]]:
        """Short descriptions of all things whose names contain a text, the newest first. A page may
        be empty and have others after it."""
        more = {"NameContains": contains} if contains else {}
        asked = {"MaxResults": PAGE, "SortBy": "CreationTime", "SortOrder": "Descending", **more}
        for page in self.pages("sagemaker", f"list_{noun.kind}s", **asked):
            yield from page.get(noun.listed, ())

    def pages(
        self, service: str, operation: str, field: str = "NextToken", /, **body: Any
    ) -> Iterator[Mapping[str, Any]]:
        """Every page of a list. ``field``: what the service calls the token of the next one."""
        token: dict[str, Any] = {}
        for _ in range(MOST_PAGES):
            page = self.call(service, operation, **body, **token)
            yield page
            following = page.get(field)
            if not following or following == token.get(field):
                return
            token = {field: following}

    def inputs(self, operation: str) -> frozenset[str]:
        """What an operation, by AWS's name for it, can be told."""
        with self.translated("sagemaker") as client:
            shape = client.meta.service_model.operation_model(operation).input_shape
            return frozenset(shape.members)

    @contextmanager
    def translated(self, service: str, *, is_write: bool = False) -> Iterator[Any]:
        """The client of a service; what it raises inside are errors of ours."""
        exceptions = import_module("botocore.exceptions")
        try:
            yield self._client(service)
        except exceptions.ClientError as error:
            told = error.response.get("ResponseMetadata", {})
            raise refusal(
                str(error.response.get("Error", {}).get("Code", "")),
                str(error.response.get("Error", {}).get("Message", "")),
                status=int(told.get("HTTPStatusCode", 0)),
                request_id=str(told.get("RequestId", "")),
                is_write=is_write,
            ) from None
        except (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.CredentialRetrievalError,
            exceptions.TokenRetrievalError,
            exceptions.SSOError,
        ) as error:
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --local"
            raise Denied(f"there is no AWS login: {_words(error)}", hint=hint) from None
        except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
            text = f"the token file {error.filename} cannot be read: {error.strerror}"
            hint = "sagemaker.credentials.token_file or AWS_WEB_IDENTITY_TOKEN_FILE names it"
            raise Denied(text, hint=hint) from None
        except exceptions.ParamValidationError as error:
            raise PlatformError(f"AWS would refuse this: {_words(error)}") from None
        except (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError) as error:
            raise self._unreachable(service, error) from None
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            if is_write:
                raise LostAnswer(f"{service} did not answer: {type(error).__name__}") from None
            raise self._unreachable(service, error) from None
        except import_module("botocore.parsers").ResponseParserError:
            text = f"{service} did not answer, something in between did"
            if is_write:
                raise LostAnswer(text) from None
            raise ConnectionFailed(text, hint="check proxies; the same again may do") from None
        except exceptions.BotoCoreError as error:
            raise PlatformError(f"{service} failed: {_words(error)}") from None

    def _unreachable(self, service: str, error: Exception) -> ConnectionFailed:
        where = self.url or f"{service} in {self.region}"
        text = f"{where} cannot be reached: {type(error).__name__}"
        return ConnectionFailed(text, hint="check network and region; cicd doctor looks into it")

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                if self._session is None:
                    self._session = self._connect()
                client = self._session.client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.url or None,
                    config=_config(service),
                )
                client.meta.events.register("after-call", self._hear_clock)
                client.meta.events.register("after-call", _check)
                self._clients[service] = client
            return self._clients[service]

    def _hear_clock(self, http_response: Any, **_: Any) -> None:
        told = http_response.headers.get("date", "")
        try:
            theirs = int(parsedate_to_datetime(told).timestamp()) * SECOND
        except (TypeError, ValueError):
            return
        # the header has whole seconds
        self._ahead = 0 if abs(theirs - time.time_ns()) < 2 * SECOND else theirs - time.time_ns()

    def now(self) -> int:
        """The time by AWS's clock, in ns since 1970."""
        return time.time_ns() + self._ahead

    def close(self) -> None:
        """Give connections back."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()


def _check(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Raises what botocore raises of an answer that it cannot read: for want of a body in its own
    form it says that there is nothing."""
    if http_response.status_code >= 300:
        return
    shape = model.output_shape
    if model.name in OF_OBJECTS:
        is_good = "ETag" in parsed
    elif model.service_model.metadata.get("protocol") != "json":
        return
    else:
        required = None if shape is None else shape.required_members
        is_good = is_whole(parsed, required, http_response.content)
    if not is_good:
        raise import_module("botocore.parsers").ResponseParserError(f"{model.name}: no answer")


def _words(error: Exception) -> str:
    return " ".join(str(error).split())


def _config(service: str) -> Any:
    """Creates may be sent again as well: their names are unique, and a second one is refused."""
    is_model = service == "sagemaker-runtime"
    # a model is asked once: whoever asks knows whether that may be repeated
    retries = {"total_max_attempts": 1 if is_model else 7, "mode": "adaptive"}
    return import_module("botocore.config").Config(
        connect_timeout=10,
        read_timeout=65 if is_model else 30,
        retries=retries,
        max_pool_connections=16,
        s3={"addressing_style": "auto"},
    )
