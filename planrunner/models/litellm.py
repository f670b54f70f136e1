"""Real models, through litellm: the only file that knows it.

Importing litellm takes seconds, so that happens once, in a thread of its own, when a model is first needed or
expected to be. It is made to keep to itself: no `.env` is read, no price list fetched, nothing printed, no call
repeated. Connections are closed with the event loop that made them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import warnings
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from weakref import WeakKeyDictionary

from planrunner.errors import DeadlineError, ModelError, ModelNotConfiguredError, StepError
from planrunner.models.base import ModelChoice, ModelRequest, Reply
from planrunner.models.litellm_errors import as_step_error, shortened
from planrunner.models.litellm_replies import heard, is_price, prices, read
from planrunner.models.masking import Masking, keys_in_use
from planrunner.models.strict import is_strict, typed

_ENVIRONMENT: Final = {
    "LITELLM_MODE": "PRODUCTION",  # any other mode reads the `.env` of the working folder
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
}
_LISTENERS: Final = (
    *("callbacks", "input_callback", "success_callback", "failure_callback", "service_callback"),
    *("_async_input_callback", "_async_success_callback", "_async_failure_callback"),
)
"""Where litellm keeps who wants to hear of calls."""
_SCHEMA_BESIDE_TOOLS: Final = frozenset(("openai", "azure"))
_ABSENT: Final = "litellm is not installed, and models are reached through it: pip install 'planrunner[litellm]'"

_lock = threading.Lock()
_imported: Future[Any] | None = None
_closers: WeakKeyDictionary[AbstractEventLoop, AsyncGenerator[None, None]] = WeakKeyDictionary()


class LitellmModel:
    """Every model that litellm can reach, named as litellm names them. Safe in several threads and event loops."""

    def warm(self, tools: bool = True) -> None:
        """Begin the import, so that it overlaps with whatever comes before the first call.

        tools  calls will offer tools, for which litellm imports as much again

        Raises ModelNotConfiguredError when litellm is not installed.
        """
        if find_spec("litellm") is None:
            raise ModelNotConfiguredError(_ABSENT)
        _begin_import(tools)

    async def ready(self) -> None:
        """Wait for the import, whose seconds are no part of any call's time."""
        with suppress(ModelError):  # the call itself will say so
            await _litellm()

    async def complete(self, request: ModelRequest) -> Reply:
        """Carry out one call, as one request that is never repeated. Cancelling it ends the request.

        Raises TransientError, RateLimitedError (with what the server said about when to come back), DeadlineError
        after `request.timeout` seconds, and ModelError for everything else. A reply that was cut off is a
        TransientError, however much of it was heard.
        """
        litellm = await _litellm()
        await _close_with_the_loop(litellm)
        masking = Masking(keys_in_use(request.parameters))
        try:
            async with asyncio.timeout(request.timeout):
                with _unlogged(litellm, request):
                    response = await litellm.acompletion(**_arguments(request))
                if request.on_text is not None:
                    response = await heard(litellm, response, request, masking)
        except TimeoutError:
            raise DeadlineError(f"{request.model}: no reply came within {request.timeout:g} s") from None
        except StepError:
            raise
        except Exception as error:
            missing, unknown = _diagnose(litellm, request)
            raise as_step_error(error, request.model, request.parameters, missing, unknown) from None
        return read(litellm, response, request, masking)

    async def takes_schema(self, choice: ModelChoice, beside_tools: bool) -> bool:
        """What litellm says of the model. Beside tools only where a schema is not itself made into a tool call."""
        litellm = await _litellm()
        with suppress(Exception):  # a name that litellm does not know; the call itself will say so
            _, provider, *_ = litellm.get_llm_provider(choice.model)
            if not beside_tools or provider in _SCHEMA_BESIDE_TOOLS:
                return bool(litellm.supports_response_schema(model=choice.model))
        return False

    async def knows_price(self, choice: ModelChoice) -> bool:
        """Whether litellm's list has it, or the parameters tell it."""
        if prices(choice.parameters) is not None:
            return True
        litellm = await _litellm()
        with suppress(Exception):
            known = litellm.get_model_info(choice.model)
            return known["input_cost_per_token"] is not None and known["output_cost_per_token"] is not None
        return False


async def _litellm() -> Any:
    """The module, imported in a thread; whoever waits for it can be cancelled without disturbing it."""
    future = _begin_import()
    try:
        if future.done():
            return future.result()
        return await asyncio.shield(asyncio.wrap_future(future))
    except ModuleNotFoundError as error:
        raise ModelError(_ABSENT if error.name == "litellm" else f"litellm lacks a package: {error}") from error
    except Exception as error:
        raise ModelError(f"litellm can't be imported: {type(error).__name__}: {shortened(str(error))}") from error


def _begin_import(tools: bool = True) -> Future[Any]:
    global _imported
    with _lock:
        if _imported is None:
            _imported = Future()
            threading.Thread(target=_import, args=(_imported, tools), name="planrunner-litellm", daemon=True).start()
        return _imported


def _import(done: Future[Any], tools: bool) -> None:
    os.environ.update(_ENVIRONMENT)
    try:
        import litellm

        _tame(litellm)
        _load_the_rest(litellm, tools)
    except BaseException as error:
        done.set_exception(error)
    else:
        done.set_result(litellm)


def _tame(litellm: Any) -> None:
    """Let litellm say nothing, fetch nothing, change no request and repeat no call."""
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.disable_hf_tokenizer_download = True
    litellm.drop_params = False
    litellm.modify_params = False
    litellm.num_retries = 0
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # pydantic has things to say of litellm's classes, and of replies that make no sense beside the error raised for it.
    for beginning in ("Pydantic serializer warnings", "Items? '.*' on TypedDict class"):
        warnings.filterwarnings("ignore", beginning, UserWarning)
    # Asked for no retries, it still sends a request again when the connection breaks, with most providers.
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    handler: Any = AsyncHTTPHandler
    handler.single_connection_post_request = _no_second_request
    _let_gemini_end(getattr(litellm, "VertexGeminiConfig", None))


def _load_the_rest(litellm: Any, tools: bool) -> None:
    """litellm puts off half of its imports to the first call; here they hold nobody up. Nothing is sent."""
    tool = {"type": "function", "function": {"name": "x", "parameters": {"type": "object"}}}
    messages = [{"role": "user", "content": "x"}]
    with suppress(Exception):  # what is wrong here, the call that needs it will say
        for stream in (False, True):
            list(
                litellm.completion(
                    "openai/x", messages, tools=[tool] if tools else None, mock_response="x", stream=stream
                )
            )
        import_module("openai.resources.chat.completions")


def _let_gemini_end(config: Any) -> None:
    """Have only that piece of a Gemini stream taken for its end that says so; litellm takes each of them for it."""
    reason_of = getattr(config, "_check_finish_reason", None)
    if reason_of is not None:
        config._check_finish_reason = staticmethod(lambda message, told: reason_of(message, told) if told else None)


async def _no_second_request(*_: Any, **__: Any) -> None:
    raise  # what litellm is handling: it calls this where it has caught the failure of the first request


async def _close_with_the_loop(litellm: Any) -> None:
    """See to it that the connections litellm keeps for this event loop are closed before the loop is.

    A loop that ends closes the asynchronous generators that were begun in it, and gives them time to clean up.
    """
    loop = asyncio.get_running_loop()
    if loop not in _closers:
        closer = _closers[loop] = _keep_until_the_end(litellm)
        await anext(closer)


async def _keep_until_the_end(litellm: Any) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await _close_clients(litellm.in_memory_llm_clients_cache)
        await _close_shared_session(litellm)


async def _close_clients(cache: Any) -> None:
    """Close the clients of this loop and forget them: a later loop may come to have the same id."""
    ending = f"-{id(asyncio.get_running_loop())}"
    for key in [key for key in cache.cache_dict if key.endswith(ending)]:
        client = cache.cache_dict.pop(key)
        cache.ttl_dict.pop(key, None)
        with suppress(Exception):  # one that can't be closed must not keep the others open
            await client.close()


async def _close_shared_session(litellm: Any) -> None:
    """Some providers' streams come through one client for all loops, which opens a session anew for each of them."""
    transport = getattr(getattr(getattr(litellm, "module_level_aclient", None), "client", None), "_transport", None)
    session: Any = getattr(transport, "client", None)
    if getattr(session, "_loop", None) is asyncio.get_running_loop():
        with suppress(Exception):
            await session.close()


def _arguments(request: ModelRequest) -> dict[str, Any]:
    """What litellm is called with; a plan's parameters can't take back what is settled here."""
    # Copies to the ground: litellm rewrites nested parameters and schemas in place for some providers.
    arguments = {
        **_copied({name: value for name, value in request.parameters.items() if not is_price(name)}),
        "model": request.model,
        "messages": _copied(request.messages),
        "timeout": request.timeout,
        "num_retries": 0,
        "max_retries": 0,
        "stream": request.on_text is not None,
    }
    if request.on_text is not None:
        arguments["stream_options"] = {"include_usage": True}
    if request.schema is not None:
        strict = is_strict(request.schema)
        schema = _copied(typed(request.schema) if strict else request.schema)
        told = {"name": "answer", "schema": schema, "strict": strict}
        arguments["response_format"] = {"type": "json_schema", "json_schema": told}
    if request.tools:
        arguments["tools"] = _copied(request.tools)
    if _needs_no_key(request):
        arguments["api_key"] = "none"
    return arguments


def _copied(value: Any) -> Any:
    """A copy of JSON to the ground; of its own, for `deepcopy` takes ten times as long."""
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value


@contextmanager
def _unlogged(litellm: Any, request: ModelRequest) -> Iterator[None]:
    """Have litellm make no log of the call where nobody listens to it: that takes an eighth of its time."""
    if litellm.max_budget or _is_heard(litellm) or any("callback" in name for name in request.parameters):
        yield
        return
    internal: Any = import_module("litellm._internal_context").is_internal_call
    before = internal.set(True)
    try:
        yield
    finally:
        internal.reset(before)


def _is_heard(litellm: Any) -> bool:
    """Whether a program has set litellm to tell of calls. `cache` is what litellm writes there itself, for Gemini."""
    return any(who != "cache" for name in _LISTENERS for who in getattr(litellm, name, None) or ())


def _needs_no_key(request: ModelRequest) -> bool:
    """Whether this goes to a server of one's own for which no key is set: the SDK insists on one being there."""
    if not request.model.startswith("openai/") or request.parameters.get("api_key") or os.environ.get("OPENAI_API_KEY"):
        return False
    return bool(request.parameters.get("api_base") or {"OPENAI_API_BASE", "OPENAI_BASE_URL"} & os.environ.keys())


def _diagnose(litellm: Any, request: ModelRequest) -> tuple[list[str], bool]:
    """After a failure: the environment variables that the provider reads and that are not set, and whether there is
    no such provider.
    """
    try:
        litellm.get_llm_provider(request.model)
    except Exception:
        return [], True
    if request.parameters.get("api_key"):
        return [], False
    return list(litellm.validate_environment(request.model)["missing_keys"]), False
