"""The real litellm against a real server on loopback: what goes out, what comes back, and how calls end."""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

from planrunner.errors import (
    DeadlineError,
    ModelError,
    ModelNotConfiguredError,
    RateLimitedError,
    StepError,
    TransientError,
)
from planrunner.models import litellm as room
from planrunner.models.base import ToolCall
from planrunner.models.litellm import LitellmModel
from tests.models.asking import KEY, WEATHER, Ask, request
from tests.servers.openai_server import (
    HANG,
    RESET,
    Answer,
    OpenAIServer,
    Request,
    calls,
    chat,
    completion,
    cut,
    drip,
    failure,
    raw,
    text,
)


def test_a_text_comes_back_with_its_usage(ask: Ask) -> None:
    with OpenAIServer([text("Good day. {{ 7*7 }}")]) as server:
        reply = ask(request(server))
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ("Good day. {{ 7*7 }}", (), "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (11, 7)
    assert reply.usage.usd is None  # nobody knows what `x` costs


def test_the_price_is_litellms_own(ask: Ask) -> None:
    with OpenAIServer([text("Good day.")]) as server:
        usd = ask(request(server, "openai/gpt-4o-mini")).usage.usd
    assert usd == pytest.approx(11 * 0.15e-6 + 7 * 0.60e-6)


def test_what_goes_out_is_what_was_asked_for(ask: Ask) -> None:
    messages = [{"role": "system", "content": "You are {{ x }}."}, {"role": "user", "content": "Hi \N{SNOWMAN}"}]
    with OpenAIServer([text("Hi")]) as server:
        ask(request(server, messages=messages, tools=[WEATHER], parameters={"temperature": 0.5}))
    (seen,) = server.requests
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.body == {"model": "x", "messages": messages, "tools": [WEATHER], "temperature": 0.5}


def test_parameters_of_a_plan_bring_back_neither_retries_nor_streams(ask: Ask) -> None:
    parameters = {"num_retries": 3, "max_retries": 3, "stream": True, "timeout": 0.001}
    with OpenAIServer([failure(500), text("too late")]) as server, pytest.raises(TransientError):
        ask(request(server, parameters=parameters))
    assert len(server.requests) == 1
    assert "stream" not in server.requests[0].body


def test_a_parameter_the_provider_does_not_know_is_not_dropped(ask: Ask) -> None:
    words = r"does not take one of the parameters.*Remove it from `models`"
    with OpenAIServer([text("never")]) as server, pytest.raises(ModelError, match=words):
        ask(request(server, "anthropic/claude-haiku-4-5", parameters={"frequency_penalty": 1}))
    assert server.requests == []


def test_tool_calls_come_back_as_the_model_wrote_them(ask: Ask) -> None:
    with OpenAIServer([calls(("crm__search", {"q": "A-1"}), ("weather", "{not json"))]) as server:
        reply = ask(request(server, tools=[WEATHER]))
    assert reply.text is None
    assert reply.tool_calls == (
        ToolCall("call_0", "crm__search", '{"q": "A-1"}'),
        ToolCall("call_1", "weather", "{not json"),
    )


def test_a_character_in_two_halves_is_one(ask: Ask) -> None:
    with OpenAIServer([raw(text("so XX").body.replace(b"XX", b"\\ud83d\\ude00"))]) as server:
        assert ask(request(server)).text == "so 😀"


def test_a_key_in_any_part_of_a_reply_is_masked(ask: Ask) -> None:
    call = {"id": KEY, "type": "function", "function": {"name": f"n{KEY}", "arguments": f'{{"a": "{KEY}"}}'}}
    answer = completion({"role": "assistant", "content": f"{KEY}!", "tool_calls": [call]}, "tool_calls")
    with OpenAIServer([answer]) as server:
        assert KEY not in repr(ask(request(server)))


def test_a_conversation_with_a_tools_result_goes_out_whole(ask: Ask) -> None:
    asked = {"id": "c0", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "c0", "content": '{"t": -3}'},
    ]
    kept = json.loads(json.dumps(messages))
    with OpenAIServer([text("Cold.")]) as server:
        assert ask(request(server, messages=messages, tools=[WEATHER])).text == "Cold."
    assert server.requests[0].messages == kept
    assert messages == kept


FAILURES: dict[str, tuple[Answer, type[StepError], str]] = {
    "401": (
        failure(401, f"Incorrect API key provided: {KEY}."),
        ModelError,
        "refused the key (401): Incorrect API key",
    ),
    "402": (failure(402, "empty purse"), ModelError, "wants to be paid first (402): empty purse"),
    "403": (failure(403, "not you"), ModelError, "does not allow this (403): not you"),
    "404": (failure(404, "no model x"), ModelError, "does not know this (404): no model x. Check the model's name"),
    "400": (failure(400, "bad temperature"), ModelError, "refused the request (400): bad temperature"),
    "422": (failure(422, "odd"), ModelError, "refused the request (422): odd"),
    "context": (
        failure(400, "This model's maximum context length is 9", code="context_length_exceeded"),
        ModelError,
        "the messages are longer than the model takes (400)",
    ),
    "policy": (
        failure(400, "Your request was rejected as a result of our safety system.", code="content_policy_violation"),
        ModelError,
        "(400): Your request was rejected",
    ),
    "500": (failure(500, "oops"), TransientError, "the provider failed (500): oops"),
    "502": (Answer(b"<html>Bad Gateway</html>", 502), TransientError, "the provider failed (502)"),
    "503": (failure(503, "overloaded"), TransientError, "the provider failed (503): overloaded"),
    "529": (failure(529, "overloaded"), TransientError, "the provider failed (529): overloaded"),
    "reset": (RESET, TransientError, "Connection reset by peer"),
    "cut": (cut(text("Good day.")), TransientError, "it ended before the reply was whole"),
    "no JSON": (raw(b'{"choices": ['), ModelError, "the reply can't be read: Expecting value"),
    "nothing": (raw(b""), ModelError, "the reply can't be read"),
    "a number": (raw(b"3"), ModelError, "the reply can't be read"),
    "a page": (Answer(b"<html>hello</html>"), ModelError, "the reply can't be read"),
    "empty choices": (chat([]), ModelError, "the reply can't be read: it holds no message"),
    "null choices": (chat(None), ModelError, "the reply can't be read"),
    "no message": (chat([{"index": 0, "finish_reason": "stop"}]), ModelError, "the reply can't be read"),
    "a message that is none": (chat([{"index": 0, "message": 3}]), ModelError, "the reply can't be read"),
    "a text that is none": (text(5), ModelError, "the reply can't be read"),
    "calls that are none": (text(None, tool_calls=[{}]), ModelError, "the reply can't be read"),
    "half a character": (text("\ud83d"), ModelError, "it holds half a character"),
    "too long": (
        completion({"role": "assistant", "content": "Good d"}, "length"),
        ModelError,
        "the reply was cut off at its length limit: raise `max_tokens` under `models`, or ask for less",
    ),
    "filtered in its middle": (
        completion({"role": "assistant", "content": "Good d"}, "content_filter"),
        ModelError,
        "the provider's content filter held the reply back",
    ),
    "calls that are not there": (
        completion({"role": "assistant", "content": None}, "tool_calls"),
        ModelError,
        "the reply can't be read: it ends for tool calls and holds none",
    ),
    "filtered": (
        completion({"role": "assistant", "content": None}, "content_filter"),
        ModelError,
        "the provider's content filter held the reply back",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_has_its_kind_and_one_request(ask: Ask, case: str) -> None:
    answer, kind, words = FAILURES[case]
    with OpenAIServer([answer, text("a second request")]) as server, pytest.raises(StepError) as caught:
        ask(request(server, tools=[WEATHER]))
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.startswith("openai/x: ")
    assert words in message
    assert len(server.requests) == 1
    assert len(message) < 500
    for noise in (KEY, "litellm.", "Traceback", "set_verbose", "Give Feedback", "\n"):
        assert noise not in message


def test_a_failure_is_not_taken_for_the_one_before_it(model: LitellmModel) -> None:
    async def twice(server: OpenAIServer) -> None:
        try:
            await model.complete(request(server))
        except TransientError:
            await model.complete(request(server))

    with OpenAIServer([failure(500), raw(b"{")]) as server, pytest.raises(ModelError, match="can't be read"):
        asyncio.run(twice(server))


@pytest.mark.parametrize("provider", ["anthropic/claude-haiku-4-5", "gemini/gemini-2.0-flash"])
@pytest.mark.parametrize("case", ["401", "500", "reset", "cut", "no JSON", "a number"])
def test_other_providers_fail_in_the_same_words(ask: Ask, provider: str, case: str) -> None:
    answer, kind, _ = FAILURES[case]
    with OpenAIServer([answer, answer]) as server, pytest.raises(kind, match="^" + provider) as caught:
        ask(request(server, provider))
    assert len(server.requests) == 1
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("said", "wait"), [("7", 7), ("1.5", 1.5), ("-3", 0), ("soon", None), ("nan", None)])
def test_429_tells_when_to_come_back(ask: Ask, said: str, wait: float | None) -> None:
    words = r"limiting the rate \(429\): slow down"
    answer = failure(429, "slow down", retry_after=said)
    with OpenAIServer([answer]) as server, pytest.raises(RateLimitedError, match=words) as caught:
        ask(request(server))
    assert caught.value.retry_after == wait
    assert len(server.requests) == 1


def test_429_may_tell_it_as_a_date_or_not_at_all(ask: Ask) -> None:
    answers = [
        failure(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
        failure(429, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"),
        failure(429),
    ]
    waits = []
    with OpenAIServer(answers) as server:
        for _ in answers:
            with pytest.raises(RateLimitedError) as caught:
                ask(request(server))
            waits.append(caught.value.retry_after)
    assert waits[0] == 0
    assert waits[1] is not None
    assert waits[1] > 1_000_000
    assert waits[2] is None


@pytest.mark.parametrize("answer", [HANG, drip(text("Good day."))], ids=["hang", "drip"])
def test_the_deadline_holds_and_ends_the_request(model: LitellmModel, answer: Answer) -> None:
    async def scenario(server: OpenAIServer) -> bool:
        with pytest.raises(DeadlineError, match=r"openai/x: no reply came within 0\.3 s"):
            await model.complete(request(server, timeout=0.3))
        return await asyncio.to_thread(server.left.wait, 10)

    with OpenAIServer([answer]) as server:
        assert asyncio.run(scenario(server))
    assert len(server.requests) == 1


def test_cancelling_ends_the_request(model: LitellmModel) -> None:
    async def scenario(server: OpenAIServer) -> bool:
        call = asyncio.ensure_future(model.complete(request(server)))
        await asyncio.to_thread(server.asked.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return await asyncio.to_thread(server.left.wait, 10)

    with OpenAIServer([HANG]) as server:
        assert asyncio.run(scenario(server))


def test_many_calls_side_by_side_get_their_own_replies(model: LitellmModel) -> None:
    def echo(seen: Request) -> Answer:
        return text(seen.messages[0]["content"])

    async def scenario(server: OpenAIServer) -> list[str | None]:
        asked = (request(server, messages=[{"role": "user", "content": f"user {n}"}]) for n in range(30))
        return [reply.text for reply in await asyncio.gather(*map(model.complete, asked))]

    with OpenAIServer(echo) as server:
        assert asyncio.run(scenario(server)) == [f"user {n}" for n in range(30)]


def test_whoever_set_litellm_to_tell_of_calls_is_told(model: LitellmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import litellm
    from litellm.integrations.custom_logger import CustomLogger

    class Ear(CustomLogger):
        heard: ClassVar[list[str]] = []

        async def async_log_success_event(self, kwargs: Any, **_: Any) -> None:
            self.heard.append(kwargs["model"])

    async def asked(server: OpenAIServer) -> None:
        await model.complete(request(server))
        for _ in range(200):  # litellm tells of it beside the call
            await asyncio.sleep(0.01)
            if Ear.heard:
                return

    for name in room._LISTENERS:  # where litellm spreads it to
        monkeypatch.setattr(litellm, name, list(getattr(litellm, name)))
    litellm.callbacks.append(Ear())
    with OpenAIServer([text("Good day.")]) as server:
        asyncio.run(asked(server))
    assert Ear.heard == ["x"]


def test_no_log_is_made_for_nobody(model: LitellmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    from litellm.litellm_core_utils.litellm_logging import Logging

    logged: list[str] = []

    async def noted(log: Any, *_: object, **__: object) -> None:
        logged.append(log.model)

    monkeypatch.setattr(Logging, "async_success_handler", noted)

    async def asked(server: OpenAIServer) -> None:
        await model.complete(request(server, "openai/unheard"))
        await asyncio.sleep(0.1)

    with OpenAIServer([text("Good day.")]) as server:
        asyncio.run(asked(server))
    assert "unheard" not in logged  # there may be others: streams of earlier tests, whose logs litellm makes late


def test_a_loop_closes_its_own_connections_and_no_others(model: LitellmModel) -> None:
    import litellm

    async def long(server: OpenAIServer) -> list[str | None]:
        said = []
        for _ in range(20):
            said.append((await model.complete(request(server))).text)
            await asyncio.sleep(0.01)
        return said

    async def short(server: OpenAIServer) -> str | None:
        return (await model.complete(request(server))).text

    before = set(litellm.in_memory_llm_clients_cache.cache_dict)
    with OpenAIServer(lambda _: text("hi")) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(long(server)))
        assert [asyncio.run(short(server)) for _ in range(10)] == ["hi"] * 10
        assert running.result() == ["hi"] * 20
    assert set(litellm.in_memory_llm_clients_cache.cache_dict) == before


def test_a_name_without_a_provider_is_told_how_names_look(ask: Ask) -> None:
    with OpenAIServer([]) as server:
        with pytest.raises(ModelError, match=r"^gpt-zzz: litellm knows no such provider\. A model is named PROVIDER/"):
            ask(request(server, "gpt-zzz"))
        assert server.requests == []


@pytest.mark.parametrize(
    ("name", "variable"), [("openai/gpt-4o", "OPENAI_API_KEY"), ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_KEY")]
)
def test_a_missing_key_is_told_by_the_variable_it_is_read_from(ask: Ask, name: str, variable: str) -> None:
    with OpenAIServer([]) as server:
        parameters = {"api_key": None, "api_base": None}
        asked = request(server, name, parameters=parameters)
        with pytest.raises(ModelError, match=f"needs a key. It reads {variable} from the environment"):
            ask(asked)


def test_a_refused_key_is_told_by_the_variable_it_stood_in(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-mine-42")
    with OpenAIServer([failure(401, "the key a-key-of-mine-42 is wrong")]) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
        asked = request(server, parameters={"api_key": None, "api_base": None})
        with pytest.raises(ModelError, match=r"the key ‹key› is wrong. Check OPENAI_API_KEY"):  # noqa: RUF001
            ask(asked)


def test_a_server_of_ones_own_needs_no_key(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer([text("hi")]) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
        asked = request(server)
        asked = type(asked)(asked.model, asked.messages, timeout=asked.timeout)
        assert ask(asked).text == "hi"


def test_nobody_listening_is_told_with_the_address(ask: Ask) -> None:
    with OpenAIServer([]) as server:
        gone = request(server)
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:\d+: Connection refused\. Check the .*OPENAI_BASE_URL"):
        ask(gone)


def test_an_address_that_is_none_is_told(ask: Ask) -> None:
    with (
        OpenAIServer([]) as server,
        pytest.raises(ModelError, match=r"is no URL.*`api_base`.*OPENAI_BASE_URL"),
    ):
        ask(request(server, parameters={"api_base": "localhost"}))


def test_without_litellm_the_package_to_install_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    monkeypatch.setattr(room, "_imported", None)
    with pytest.raises(ModelNotConfiguredError, match=r"pip install 'planrunner\[litellm\]'"):
        LitellmModel().warm()
    with OpenAIServer([]) as server, pytest.raises(ModelError, match=r"pip install 'planrunner\[litellm\]'"):
        asyncio.run(LitellmModel().complete(request(server)))
