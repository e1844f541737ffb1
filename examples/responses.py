"""The Responses API: a whole answer, then a streamed one. Run: python examples/responses.py"""
import os

from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY
model = os.environ.get("MODEL", "chat")

response = client.responses.create(
    model=model,
    instructions="Answer in one sentence.",
    input="What is a lighthouse for?",
    max_output_tokens=60,
)
print(response.output_text)

stream = client.responses.create(model=model, input="Write a line about the sea.", max_output_tokens=60, stream=True)
for event in stream:
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)
print()
