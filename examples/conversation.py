"""A chat that remembers what was said: one line, one answer, until Ctrl-D. Run: python examples/conversation.py"""
import os
import sys

from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY
messages = [{"role": "system", "content": "You are a friendly assistant. Answer in one sentence."}]

print("Say something (Ctrl-D ends).")
for line in sys.stdin:
    messages.append({"role": "user", "content": line.strip()})
    completion = client.chat.completions.create(
        model=os.environ.get("MODEL", "chat"),
        messages=messages,
        max_tokens=60,
    )
    answer = completion.choices[0].message.content
    messages.append({"role": "assistant", "content": answer})
    print("assistant:", answer)
