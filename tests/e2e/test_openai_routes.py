"""Completions and responses with the real clients, against the echo engine."""
import json

import ollama
import openai
import pytest

ARGUMENTS = '{"city": "Paris"}'
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


@pytest.mark.sanitizer
def test_completions(server):
    server.deploy(scaling={"max": 2})
    client = server.openai()
    one = client.completions.create(model="e", prompt="one two three")
    assert (one.choices[0].text, one.choices[0].finish_reason, one.object) == ("one two three", "stop", "text_completion")
    assert (one.usage.prompt_tokens, one.usage.completion_tokens) == (3, 3)
    many = client.completions.create(model="e", prompt=["a", "b c"], n=2, echo=True)
    assert [(choice.index, choice.text) for choice in many.choices] == [(0, "aa"), (1, "aa"), (2, "b cb c"), (3, "b cb c")]
    assert many.usage.prompt_tokens == 3
    assert client.completions.create(model="e", prompt=[7, 8]).choices[0].text == "7 8"
    assert client.completions.create(model="e", prompt="a b", max_tokens=1).choices[0].finish_reason == "length"
    assert len(client.completions.create(model="e", prompt="a", best_of=3).choices) == 1

    logprobs = client.completions.create(model="e", prompt="a b", logprobs=1).choices[0].logprobs
    assert (logprobs.tokens, logprobs.text_offset) == (["a", " b"], [0, 1])
    chunks = list(client.completions.create(model="e", prompt="one two", stream=True, logprobs=0, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == "one two"
    assert chunks[-1].usage.total_tokens == 4
    assert [offset for chunk in chunks if chunk.choices and chunk.choices[0].logprobs for offset in chunk.choices[0].logprobs.text_offset] == [0, 3]
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="e", prompt="a", suffix="b")
    assert caught.value.param == "suffix"


@pytest.mark.sanitizer
def test_responses(server):
    server.deploy()
    client = server.openai()
    response = client.responses.create(model="e", input="one two three", instructions="", metadata={"a": "b"})
    assert (response.output_text, response.status, response.usage.total_tokens) == ("one two three", "completed", 6)
    assert response.metadata == {"a": "b"} and response.store is False
    cut = client.responses.create(model="e", input=" ".join(["x"] * 20), max_output_tokens=16)
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")

    call = client.responses.create(model="e", input=ARGUMENTS, tools=[TOOL], tool_choice="required").output[0]
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "Paris"})
    history = [{"role": "user", "content": [{"type": "input_text", "text": "weather?"}]}, call.model_dump(),
               {"type": "function_call_output", "call_id": call.call_id, "output": "it is sunny"}]
    assert client.responses.create(model="e", input=history, tools=[TOOL]).output_text == "it is sunny"
    parsed = client.responses.create(model="e", input=ARGUMENTS, text={"format": {"type": "json_schema", "name": "x", "schema": TOOL["parameters"], "strict": True}})
    assert json.loads(parsed.output_text) == {"city": "Paris"}


@pytest.mark.sanitizer
def test_responses_streamed(server):
    server.deploy()
    client = server.openai()
    events = list(client.responses.create(model="e", input="one two three", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events if event.type != "response.output_text.delta"]
    assert kinds == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.done",
                     "response.content_part.done", "response.output_item.done", "response.completed"]
    assert events[-1].response.output_text == "one two three"
    with client.responses.stream(model="e", input=ARGUMENTS, tools=[TOOL], tool_choice="required") as stream:
        final = stream.get_final_response()
    assert final.output[0].arguments == ARGUMENTS
    with client.responses.stream(model="e", input="one two three") as stream:
        assert stream.get_final_response().output_text == "one two three"


@pytest.mark.parametrize(("fields", "param"), [
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"background": True}, "background"),
    ({"truncation": "auto"}, "truncation"),
    ({"max_output_tokens": 15}, "max_output_tokens"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
    ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input[0].call_id"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:,", "detail": "auto"}]}]}, "input[0].content[0].type"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "other"}}, "tool_choice"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"input": []}, "input"),
])
def test_responses_refuse_by_name(server, fields, param):
    server.deploy()
    with pytest.raises(openai.BadRequestError) as caught:
        server.openai(max_retries=0).responses.create(**{"model": "e", "input": "x", **fields})
    assert caught.value.param == param, caught.value


def test_responses_are_not_kept(server):
    server.deploy()
    client = server.openai()
    made = client.responses.create(model="e", input="x")
    with pytest.raises(openai.NotFoundError, match="keeps no responses"):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(made.id)


def test_a_broken_stream_of_responses(server):
    server.deploy()
    events = list(server.openai(max_retries=0).responses.create(model="e", input="a b c d", instructions="crash_at=3 tps=20", stream=True))
    assert events[-1].type == "error" and events[-1].code == "worker_died" and "worker" in events[-1].message
    server.wait_until_free()


ODD = "data: [DONE] event:x :comment \u2028 \u2029a \u0085 \x0b\x0c\x1c \ufeffbom \U0001F600\u200d\U0001F5A4 e\u0301 \\n \"quoted\" {\"a\":1} <|im_end|> \u202egnirts"


@pytest.mark.parametrize("words", [ODD, "\U0001F600" * 500, "[DONE]", "x"])
def test_every_decoder_reads_the_same_stream(server, words):
    """Texts that look like the framing around them: the clients' own decoders, a plain one, and the answer that is not streamed."""
    server.deploy()
    messages = [{"role": "user", "content": words}]
    client = server.openai()
    whole = client.chat.completions.create(model="e", messages=messages).choices[0].message.content
    by_client = "".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(model="e", messages=messages, stream=True) if chunk.choices)
    raw = server.request("POST", "/v1/chat/completions", {"model": "e", "messages": messages, "stream": True}).body.decode()
    events = [event.removeprefix("data: ") for event in raw.split("\n\n") if event]
    assert events.pop() == "[DONE]"
    by_hand = "".join(choice["delta"].get("content") or "" for event in events for choice in json.loads(event)["choices"])
    by_responses = "".join(event.delta for event in client.responses.create(model="e", input=words, stream=True) if event.type == "response.output_text.delta")
    by_ollama = "".join(piece.message.content for piece in ollama.Client(host=server.url).chat(model="e", messages=messages, stream=True))
    assert whole == by_client == by_hand == by_responses == by_ollama
    assert whole.split(" ") == words.split(" ")


def test_every_field_of_the_clients_is_in_the_docs():
    """The tables of docs/openai.md are written from the code; here is that they miss nothing that the client's own types know."""
    from openai.types import completion_create_params, embedding_create_params
    from openai.types.chat import completion_create_params as chat_params
    from openai.types.responses import response_create_params
    from harness.server import ROOT
    sections = (ROOT / "docs/openai.md").read_text().split("### `POST ")[1:]
    for section, params in zip(sections, [chat_params.CompletionCreateParamsBase, completion_create_params.CompletionCreateParamsBase,
                                          response_create_params.ResponseCreateParamsBase, embedding_create_params.EmbeddingCreateParams], strict=True):
        documented = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}
        assert set(params.__annotations__) - documented == set(), section.splitlines()[0]
