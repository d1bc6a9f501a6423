"""DSPy."""

import asyncio

import dspy
from feature import (
    EMBEDDING_MODEL,
    KEY,
    MODEL,
    PICTURE_QUESTION,
    PICTURE_URL,
    QUESTION,
    SITE,
    WEATHER_QUESTION,
    feature,
    weather,
)

lm = dspy.LM(f"openrouter/{MODEL}", api_base=f"{SITE}/api/v1", api_key=KEY, cache=False)
dspy.configure(lm=lm)


@feature
def answer():
    assert lm(QUESTION)[0]
    assert dspy.Predict("question -> answer")(question=QUESTION).answer


@feature
def stream():
    async def read():
        listener = dspy.streaming.StreamListener(signature_field_name="answer")
        program = dspy.streamify(dspy.Predict("question -> answer"), stream_listeners=[listener])
        return [piece async for piece in program(question=QUESTION)]

    with dspy.context(adapter=dspy.JSONAdapter()):
        assert len(asyncio.run(read())) > 1


@feature
def tools():
    native = dspy.JSONAdapter(use_native_function_calling=True)

    class Calls(dspy.Signature):
        question: str = dspy.InputField()
        tools: list[dspy.Tool] = dspy.InputField()
        outputs: dspy.ToolCalls = dspy.OutputField()

    with dspy.context(adapter=native):
        calls = dspy.Predict(Calls)(question=WEATHER_QUESTION, tools=[dspy.Tool(weather)]).outputs.tool_calls
    assert calls[0].args["city"]


@feature
def structured_output():
    with dspy.context(adapter=dspy.JSONAdapter()):
        city = dspy.Predict("question -> name: str, population: int")(question=QUESTION)
    assert isinstance(city.population, int)


@feature
def images():
    with dspy.context(adapter=dspy.JSONAdapter()):
        seen = dspy.Predict("picture: dspy.Image, question -> answer")
        assert seen(picture=dspy.Image(PICTURE_URL), question=PICTURE_QUESTION).answer


@feature
def embeddings():
    made = dspy.Embedder(f"openai/{EMBEDDING_MODEL}", api_base=f"{SITE}/api/v1", api_key=KEY, caching=False)
    assert len(made(["one", "two"])) == 2
