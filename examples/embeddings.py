"""Search by meaning: which of some sentences is the closest to a question."""
import os

from openai import OpenAI

client = OpenAI()
model = os.environ.get("EMBEDDING_MODEL", "minilm")
sentences = ["The cat sits on the mat.", "Quarterly revenue rose by twelve percent.", "A storm is expected tonight."]

vectors = [item.embedding for item in client.embeddings.create(model=model, input=sentences).data]
question = client.embeddings.create(model=model, input="How is the business doing?").data[0].embedding

for score, sentence in sorted(((sum(a * b for a, b in zip(question, vector)), sentence) for vector, sentence in zip(vectors, sentences)), reverse=True):
    print(f"{score:.2f}  {sentence}")
