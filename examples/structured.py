"""An answer that is an object of a Pydantic model. Run: python examples/structured.py"""
import os
from typing import Literal

from openai import OpenAI
from pydantic import BaseModel


class Pet(BaseModel):
    name: str
    kind: Literal["cat", "dog"]
    age: int


client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY

completion = client.chat.completions.parse(
    model=os.environ.get("MODEL", "chat"),
    messages=[{"role": "user", "content": "Whiskers is a cat, three years old. Give me the pet as JSON."}],
    response_format=Pet,
    temperature=0,
    max_tokens=60,
)
pet = completion.choices[0].message.parsed  # a Pet
print(pet.model_dump_json())
