"""What only a real model shows: answers that fit a schema, calls that fit their parameters, chance that a seed decides. One server for all."""
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import jsonschema
import openai
import pytest
from pydantic import BaseModel, Field

from harness import server as servers

pytestmark = pytest.mark.real_model

ASK = [{"role": "user", "content": "Tell me about a pet."}]
WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city", "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["C", "F"]}},
                   "required": ["city", "unit"], "additionalProperties": False}}}


class Pet(BaseModel):
    name: str = Field(max_length=20)
    kind: Literal["cat", "dog"]
    age: int


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    server = servers.Server(tmp_path_factory.mktemp("model") / "home")
    server.start()
    server.ebb("deploy", "chat", "--model", str(servers.DEMO_MODEL), "--keep", "10m")
    yield server.openai()
    assert server.stop() == []


def test_parse_gives_the_object(client):
    for seed in range(3):
        pet = client.chat.completions.parse(model="chat", messages=ASK, response_format=Pet, seed=seed, max_tokens=120).choices[0].message.parsed
        assert isinstance(pet, Pet) and pet.kind in ("cat", "dog")
    with client.chat.completions.stream(model="chat", messages=ASK, response_format=Pet, seed=1, max_tokens=120) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Pet)


def test_json_object(client):
    answer = client.chat.completions.create(model="chat", messages=ASK, response_format={"type": "json_object"}, max_tokens=200, seed=3).choices[0]
    if answer.finish_reason == "stop":
        assert isinstance(json.loads(answer.message.content), dict)


def test_a_schema_cut_short_says_so(client):
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model="chat", messages=ASK, response_format=Pet, max_tokens=3)


def test_calls_fit_their_parameters(client):
    ask = [{"role": "user", "content": "What is the weather in Paris?"}]
    for seed in range(3):
        for parallel in (True, False):
            choice = client.chat.completions.create(model="chat", messages=ask, tools=[WEATHER], tool_choice="required", seed=seed, max_tokens=120,
                                                    parallel_tool_calls=parallel).choices[0]
            calls = choice.message.tool_calls
            # Where several calls may follow each other, a model may go on with them until its limit: the last is then cut.
            assert choice.finish_reason == "tool_calls" or (parallel and choice.finish_reason == "length" and len(calls) > 1)
            assert calls and not choice.message.content
            for call in calls if choice.finish_reason == "tool_calls" else calls[:-1]:
                jsonschema.validate(json.loads(call.function.arguments), WEATHER["function"]["parameters"])
    messages = [*ask, choice.message, *({"role": "tool", "tool_call_id": call.id, "content": "21 degrees, sunny"} for call in choice.message.tool_calls)]
    assert client.chat.completions.create(model="chat", messages=messages, tools=[WEATHER], tool_choice="none", max_tokens=40).choices[0].message.content


def test_one_call_where_several_are_not_wanted(client):
    ask = [{"role": "user", "content": "What is the weather in Paris, in Rome and in Oslo?"}]
    for seed in range(3):
        message = client.chat.completions.create(model="chat", messages=ask, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False, seed=seed,
                                                 max_tokens=120).choices[0].message
        assert len(message.tool_calls) == 1


def test_seeds_of_choices(client):
    ask = {"model": "chat", "messages": ASK, "temperature": 1.2, "max_tokens": 12}
    three = [choice.message.content for choice in client.chat.completions.create(**ask, n=3, seed=7).choices]
    assert len(set(three)) > 1
    assert client.chat.completions.create(**ask, seed=8).choices[0].message.content == three[1], "choice i has the seed plus i, also among neighbours"


def test_a_prompt_that_was_seen_is_not_computed_again(client):
    long = [{"role": "system", "content": "Be brief. " * 60}, *ASK]
    client.chat.completions.create(model="chat", messages=long, max_tokens=2)
    usage = client.chat.completions.create(model="chat", messages=long, max_tokens=2).usage
    assert usage.prompt_tokens_details.cached_tokens >= usage.prompt_tokens - 33, "all but its last chunk"


def test_bombs_do_not_move_the_neighbours(client):
    """Schemas that explode are refused or served within their bounds while a neighbour streams on."""
    deep = {"type": "string"}
    for _ in range(25):
        deep = {"anyOf": [deep, {"type": "object", "properties": {"a": deep}}]} if len(json.dumps(deep)) < 20_000 else {"anyOf": [deep]}
    bombs = [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}},
        {"type": "object", "properties": {f"p{i}": {"type": "array", "maxItems": 1000, "items": {"type": "string", "maxLength": 1000}} for i in range(50)}},
        {"type": "string", "pattern": "^((((a{1,500}){1,500}){1,500}){1,500})$"},
        {"type": "string", "pattern": "^(a|a|a|a|a|aa|aaa)*(a|a|a|aa|aaa)*(a|aa|aaa)*$"},
        deep,
    ]

    def ask(schema):
        try:
            client.with_options(max_retries=0, timeout=60).chat.completions.create(
                model="chat", messages=ASK, max_tokens=20, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
            return "served"
        except openai.APIStatusError as error:
            return error.status_code

    stream = client.chat.completions.create(model="chat", messages=ASK, max_tokens=150, stream=True, temperature=0, logit_bias={"2": -100})
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(ask, bombs)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
        assert len([piece for piece in pieces if piece]) > 50
        assert all(outcome in ("served", 400) for outcome in outcomes)
