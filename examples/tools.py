"""Function calling: the model asks for a function, the program runs it, the model answers. Run: python examples/tools.py"""
import json
import os

from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY


def get_weather(city):
    return {"city": city, "sky": "sunny", "celsius": 21}


parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
tools = [{
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather in a city.", "parameters": parameters, "strict": True},
}]
messages = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "What is the weather in Paris?"},
]
# A small model is told when to call and when to answer; a larger one may choose: tool_choice="auto", until no call comes.
for choice in ("required", "none"):
    message = client.chat.completions.create(
        model=os.environ.get("MODEL", "chat"), messages=messages, tools=tools, tool_choice=choice,
        parallel_tool_calls=False, temperature=0, max_tokens=60,
    ).choices[0].message
    messages.append(message)
    for call in message.tool_calls or []:
        arguments = json.loads(call.function.arguments)
        result = get_weather(**arguments)
        print(f"{call.function.name}: {arguments} -> {result}")
        messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
print(message.content)
