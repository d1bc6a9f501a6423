"""Code that calls a model, ready to copy."""

from dataclasses import dataclass

from django.conf import settings

__all__ = ["Sample", "samples"]

_OPENAI_PYTHON = """\
import os

from openai import OpenAI

client = OpenAI(
    base_url="{api}",
    api_key=os.environ["OPENROUTER_API_KEY"],
)

completion = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Which numbers are prime?"}}],
)
print(completion.choices[0].message.content)
"""

_OPENAI_JAVASCRIPT = """\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{api}",
  apiKey: process.env.OPENROUTER_API_KEY,
}});

const completion = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: "Which numbers are prime?" }}],
}});
console.log(completion.choices[0].message.content);
"""

_REQUESTS = """\
import os

import requests

response = requests.post(
    "{api}/chat/completions",
    headers={{"Authorization": f"Bearer {{os.environ['OPENROUTER_API_KEY']}}"}},
    json={{
        "model": "{model}",
        "messages": [{{"role": "user", "content": "Which numbers are prime?"}}],
    }},
    timeout=60,
)
response.raise_for_status()
print(response.json()["choices"][0]["message"]["content"])
"""

_CURL = """\
curl {api}/chat/completions \\
  -H "Authorization: Bearer $OPENROUTER_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "model": "{model}",
    "messages": [{{"role": "user", "content": "Which numbers are prime?"}}]
  }}'
"""


_EMBEDDINGS_PYTHON = """\
import os

from openai import OpenAI

client = OpenAI(
    base_url="{api}",
    api_key=os.environ["OPENROUTER_API_KEY"],
)

response = client.embeddings.create(
    model="{model}",
    input=["Which numbers are prime?", "The primes are 2, 3, 5, 7 and so on."],
)
print(len(response.data[0].embedding))
"""

_EMBEDDINGS_JAVASCRIPT = """\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{api}",
  apiKey: process.env.OPENROUTER_API_KEY,
}});

const response = await client.embeddings.create({{
  model: "{model}",
  input: ["Which numbers are prime?", "The primes are 2, 3, 5, 7 and so on."],
}});
console.log(response.data[0].embedding.length);
"""

_EMBEDDINGS_CURL = """\
curl {api}/embeddings \\
  -H "Authorization: Bearer $OPENROUTER_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "model": "{model}",
    "input": ["Which numbers are prime?", "The primes are 2, 3, 5, 7 and so on."]
  }}'
"""

_RERANK_REQUESTS = """\
import os

import requests

response = requests.post(
    "{api}/rerank",
    headers={{"Authorization": f"Bearer {{os.environ['OPENROUTER_API_KEY']}}"}},
    json={{
        "model": "{model}",
        "query": "Which numbers are prime?",
        "documents": ["The primes are 2, 3, 5, 7 and so on.", "Water boils at 100 degrees."],
        "top_n": 1,
    }},
    timeout=60,
)
response.raise_for_status()
print(response.json()["results"][0]["document"]["text"])
"""

_RERANK_CURL = """\
curl {api}/rerank \\
  -H "Authorization: Bearer $OPENROUTER_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "model": "{model}",
    "query": "Which numbers are prime?",
    "documents": ["The primes are 2, 3, 5, 7 and so on.", "Water boils at 100 degrees."]
  }}'
"""

#: By task: (name, label, language, code) of each sample.
_SAMPLES = {
    "chat": (
        ("python", "Python", "python", _OPENAI_PYTHON),
        ("javascript", "JavaScript", "javascript", _OPENAI_JAVASCRIPT),
        ("requests", "Python requests", "python", _REQUESTS),
        ("curl", "curl", "bash", _CURL),
    ),
    "embeddings": (
        ("python", "Python", "python", _EMBEDDINGS_PYTHON),
        ("javascript", "JavaScript", "javascript", _EMBEDDINGS_JAVASCRIPT),
        ("curl", "curl", "bash", _EMBEDDINGS_CURL),
    ),
    "rerank": (
        ("requests", "Python requests", "python", _RERANK_REQUESTS),
        ("curl", "curl", "bash", _RERANK_CURL),
    ),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One code sample. `name` is unique and valid as an HTML ID."""

    name: str
    label: str
    language: str  # for colouring
    code: str


def samples(model_id: str, task: str = "chat") -> list[Sample]:
    """Return code samples for a model of this task, in the most used languages."""
    api = f"{settings.SITE_URL}/api/v1"
    return [
        Sample(name, label, language, code.format(api=api, model=model_id))
        for name, label, language, code in _SAMPLES[task]
    ]
