"""LangChain: a prompt template piped into the model, streamed. Run: python examples/langchain_chat.py"""
import os

from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

prompt = ChatPromptTemplate.from_messages([
    ("system", "You are a patient teacher."),
    ("user", "What is {topic}?"),
])
# Reads OPENAI_BASE_URL and OPENAI_API_KEY.
model = ChatOpenAI(model=os.environ.get("MODEL", "chat"), temperature=0, max_tokens=60)

chain = prompt | model
for chunk in chain.stream({"topic": "gravity"}):
    print(chunk.text, end="", flush=True)
print()
