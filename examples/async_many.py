"""Several questions at once, by the asynchronous client. Run: python examples/async_many.py"""
import asyncio
import os

from openai import AsyncOpenAI

client = AsyncOpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY


async def ask(question):
    completion = await client.chat.completions.create(
        model=os.environ.get("MODEL", "chat"),
        messages=[{"role": "user", "content": question}],
        max_tokens=60,
    )
    return completion.choices[0].message.content


async def main():
    questions = ["What is the sun?", "What is the moon?", "What is a star?", "What is a planet?"]
    answers = await asyncio.gather(*(ask(question) for question in questions))
    for question, answer in zip(questions, answers):
        print(f"{question}\n  {answer}")


asyncio.run(main())
