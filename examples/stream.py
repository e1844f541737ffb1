"""An answer printed piece by piece while it is written. Run: python examples/stream.py"""
import os

from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY

stream = client.chat.completions.create(
    model=os.environ.get("MODEL", "chat"),
    messages=[{"role": "user", "content": "Tell me a short story about a lighthouse."}],
    max_tokens=60,
    stream=True,
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
