"""What a failed litellm call means: one of our error kinds, in our words, with nothing secret in it.

litellm's classes alone do not tell: InternalServerError and APIConnectionError are raised for a real 500, for a
connection that broke, for a missing key and for a reply that makes no sense. So what stands behind the exception is
asked first: the answer of the server, or the failure of the connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from math import isfinite
from typing import Any, Final

from planrunner.errors import DeadlineError, ModelError, RateLimitedError, StepError, TransientError
from planrunner.jsonsafe import loads
from planrunner.models.masking import MASK, Masking, keys_in_use

KINDS: Final[Mapping[str, type[StepError]]] = {
    "APIConnectionError": ModelError,
    "APIError": ModelError,
    "APIResponseValidationError": ModelError,
    "AuthenticationError": ModelError,
    "BadGatewayError": TransientError,
    "BadRequestError": ModelError,
    "BlockedPiiEntityError": ModelError,
    "BudgetExceededError": ModelError,
    "ContentPolicyViolationError": ModelError,
    "ContextWindowExceededError": ModelError,
    "GuardrailRaisedException": ModelError,
    "ImageFetchError": ModelError,
    "InternalServerError": ModelError,
    "InvalidRequestError": ModelError,
    "JSONSchemaValidationError": ModelError,
    "LiteLLMUnknownProvider": ModelError,
    "MidStreamFallbackError": TransientError,
    "MockException": ModelError,
    "ModelNotMappedError": ModelError,
    "ModifyResponseException": ModelError,
    "NotFoundError": ModelError,
    "OpenAIError": ModelError,
    "PaymentRequiredError": ModelError,
    "PermissionDeniedError": ModelError,
    "RateLimitError": RateLimitedError,
    "RejectedRequestError": ModelError,
    "SensitiveDataRouteException": ModelError,
    "ServiceUnavailableError": TransientError,
    "Timeout": DeadlineError,
    "UnprocessableEntityError": ModelError,
    "UnsupportedParamsError": ModelError,
    "VectorStoreSearchError": ModelError,
}
"""litellm's exceptions by name: what each means when neither an answer nor a broken connection stands behind it."""

_MAX_WORDS: Final = 300
_NAME_ONE: Final = "A model is named PROVIDER/NAME, such as openai/gpt-4o-mini"
_ADDRESS: Final = "its address (`api_base`, or OPENAI_BASE_URL and the like)"
_CHECK_NAME: Final = f"Check the model's name, PROVIDER/NAME, and {_ADDRESS} if one is set"
_INSTALL: Final = "Run: pip install 'planrunner[litellm]'"

_UNREADABLE: Final = ("APIConnectionError", "APIError", "InternalServerError", "MidStreamFallbackError")
_BY_CLASS: Final = {
    "ContextWindowExceededError": ("the messages are longer than the model takes", "Make task or tool results shorter"),
    "ContentPolicyViolationError": ("the provider's content filter refused", ""),
    "UnsupportedParamsError": ("the model does not take one of the parameters", "Remove it from `models`"),
}
_BY_STATUS: Final = {
    402: ("the provider wants to be paid first", ""),
    403: ("the provider does not allow this", ""),
    404: ("the provider does not know this", _CHECK_NAME),
    429: ("the provider is limiting the rate", ""),
}

_NO_URL: Final = frozenset(("InvalidURL", "InvalidUrlClientError", "NonHttpUrlClientError", "UnsupportedProtocol"))
# What litellm hangs on to messages: tracebacks, advice to people who call it from Python.
_NOISE: Final = re.compile(r"Traceback|\n|To drop these|Give Feedback|LiteLLM\.Info", re.IGNORECASE)
_OWN_NAMES: Final = re.compile(r"^(?:litellm\.)?(?:(?:\w+(?:Error|Exception)|LiteLLM)(?: -|:) )+")
# What keys look like, for those that stand neither in the environment nor in the parameters.
_KEY: Final = re.compile(
    r"(?<![\w-])(?:sk|pk|rk|gsk|xai|key|hf|AIza|AKIA)[-_]?[\w*-]{12,}|(?i:(?<=bearer )|(?<=[?&]key=))[^\s&\"',]+"
)


def as_step_error(
    error: Exception, model: str, parameters: Mapping[str, Any], missing: list[str], unknown_provider: bool
) -> StepError:
    """The StepError to raise for what a litellm call raised.

    missing           names of environment variables the provider needs and has not got
    unknown_provider  whether litellm knows no provider of this model's name
    """
    behind = list(_behind(error))
    status = _status(behind)
    kind = _kind(error, behind, status)
    words = _words(behind, status, parameters)
    if unknown_provider:
        what, words, advice = "litellm knows no such provider", "", _NAME_ONE
    elif missing and _wants_a_key(error, status):
        what, advice = "the provider needs a key", f"It reads {', '.join(missing)} from the environment"
        words = words if status else ""
    else:
        what, advice = _explain(error, behind, status, kind, model)
    message = f"{model}: {what}" + (f" ({status})" if status else "") + (f": {words}" if words else "")
    if advice:
        message = f"{message.rstrip('.')}. {advice}"
    return kind(message, _retry_after(behind)) if kind is RateLimitedError else kind(message)


def _wants_a_key(error: Exception, status: int | None) -> bool:
    return status in (401, 403) or (status is None and bool(re.search("(?i)api.?key|credential", str(error))))


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it, outermost first; not what the caller was handling when it asked again."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and not isinstance(at, StepError) and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _status(behind: list[BaseException]) -> int | None:
    """The status a server really answered with. (litellm's own exceptions make theirs up.)"""
    response = _response(behind)
    return None if response is None else int(response.status_code)


def _response(behind: list[BaseException]) -> Any:
    answered: Any = next((error for error in behind if _is(error, "HTTPStatusError")), None)
    return None if answered is None else answered.response


def _is(error: BaseException, name: str) -> bool:
    """Whether it is this exception of httpx. By name, for httpx is litellm's dependency and none of ours."""
    return any(base.__name__ == name and base.__module__.startswith("httpx") for base in type(error).__mro__)


def _kind(error: Exception, behind: list[BaseException], status: int | None) -> type[StepError]:
    known = next((KINDS[base.__name__] for base in type(error).__mro__ if base.__name__ in KINDS), ModelError)
    if known is RateLimitedError or status == 429:
        return RateLimitedError
    if status is not None:
        return TransientError if status >= 500 or status == 408 else ModelError
    if any(isinstance(one, JSONDecodeError) for one in behind):
        return ModelError
    if any(_is(one, "TimeoutException") for one in behind):
        return DeadlineError
    if any(_is(one, "TransportError") and not _is(one, "UnsupportedProtocol") for one in behind):
        return TransientError
    return known


def _explain(
    error: Exception, behind: list[BaseException], status: int | None, kind: type[StepError], model: str
) -> tuple[str, str]:
    """What happened, and what to do."""
    by_class = _BY_CLASS.get(type(error).__name__)
    if by_class is not None:
        return by_class
    if status == 401:
        return "the provider refused the key", _check_key(model)
    if status is not None:
        other = "the provider failed" if kind is TransientError else "the provider refused the request"
        return _BY_STATUS.get(status, (other, ""))
    if kind is TransientError and any(_is(one, "TransportError") for one in behind):
        return "the connection to the provider failed", f"Check the network, and {_ADDRESS} if one is set"
    if kind is TransientError:
        return "the provider broke off its reply", ""
    if kind is DeadlineError:
        return "no reply came in time", ""
    if any(isinstance(one, ImportError) for one in behind):
        return "litellm lacks a package", _INSTALL
    if any(type(one).__name__ in _NO_URL for one in behind):
        return "its address is no URL", f"Check {_ADDRESS}: it begins with http:// or https://"
    if type(error).__name__ in _UNREADABLE:
        return "the reply can't be read", ""
    return "the request can't be made", ""


def _check_key(model: str) -> str:
    name = f"{model.partition('/')[0].upper()}_API_KEY"
    return f"Check {name}" if name in os.environ else "Check the provider's key in the environment"


def _words(behind: list[BaseException], status: int | None, parameters: Mapping[str, Any]) -> str:
    """What the server said of it, or what went wrong here; short, on one line, without keys."""
    words = _went_wrong(behind) if status is None else _said(_response(behind))
    return shortened(masked(" ".join(words.split()), parameters))


def _said(response: Any) -> str:
    """The message in the body of an answer, whose shape providers do not agree on."""
    try:
        body = loads(response.text)
    except Exception:  # no JSON, no text, or never read
        return ""
    if isinstance(body, list) and body:
        body = body[0]
    while isinstance(body, dict):
        body = next((body[key] for key in ("error", "message", "detail") if body.get(key)), "")
    return body if isinstance(body, str) else ""


def _went_wrong(behind: list[BaseException]) -> str:
    broken = next((one for one in behind if _is(one, "TransportError")), None)
    if broken is not None:
        return f"{_host(broken)}{_system_words(behind) or 'it ended before the reply was whole'}"
    told = next((one for one in reversed(behind) if _is_telling(one)), None)
    return "" if told is None else _OWN_NAMES.sub("", _NOISE.split(str(told))[0]).strip()


def _is_telling(error: BaseException) -> bool:
    """Whether an exception says something to a reader; how litellm stumbled over a reply does not."""
    return isinstance(error, ValueError | ImportError) or type(error).__module__ != "builtins"


def _system_words(behind: list[BaseException]) -> str:
    """What the operating system says of a broken connection."""
    for one in reversed(behind):
        if isinstance(one, OSError) and one.errno:
            return os.strerror(one.errno) if one.errno > 0 else one.strerror or ""
    return ""


def _host(broken: Any) -> str:
    if broken._request is None:
        return ""
    url = broken.request.url
    return f"{url.host}:{url.port}: " if url.port else f"{url.host}: "


def masked(text: str, parameters: Mapping[str, Any]) -> str:
    """The text without the keys in use, and without anything else that looks like one."""
    return _KEY.sub(MASK, Masking(keys_in_use(parameters))(text))


def shortened(text: str) -> str:
    """The text, or its beginning where it is long."""
    return text if len(text) <= _MAX_WORDS else f"{text[:_MAX_WORDS]}…"


def _retry_after(behind: list[BaseException]) -> float | None:
    """How many seconds the server wants to be left alone; it says seconds or a date."""
    response = _response(behind)
    said = "" if response is None else response.headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            until = parsedate_to_datetime(said)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if isfinite(seconds) else None
