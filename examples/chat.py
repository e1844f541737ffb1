"""One question, one answer. Run: python examples/chat.py"""
import os

from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY

completion = client.chat.completions.create(
    model=os.environ.get("MODEL", "chat"),
    messages=[
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Why is the sky blue? Answer in one sentence."},
    ],
    max_tokens=60,
)
print(completion.choices[0].message.content)
