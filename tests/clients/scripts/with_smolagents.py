"""smolagents."""

from feature import KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, QUESTION, SITE, WEATHER_QUESTION, feature, weather
from smolagents import OpenAIModel, ToolCallingAgent, tool

model = OpenAIModel(model_id=MODEL, api_base=f"{SITE}/api/v1", api_key=KEY)

QUESTIONS = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]


@feature
def answer():
    reply = model.generate(QUESTIONS)
    assert reply.content and reply.token_usage.output_tokens


@feature
def stream():
    deltas = list(model.generate_stream(QUESTIONS))
    assert len(deltas) > 2 and [delta for delta in deltas if delta.token_usage]


@feature
def tools():
    for stream in (False, True):
        agent = ToolCallingAgent(tools=[tool(weather)], model=model, stream_outputs=stream, max_steps=2)
        agent.run(WEATHER_QUESTION)
        assert [step for step in agent.memory.steps if "17 degrees" in str(getattr(step, "observations", ""))]


@feature
def structured_output():
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": schema}}
    assert "city" in model.generate(QUESTIONS, response_format=wanted).content


@feature
def images():
    content = [
        {"type": "text", "text": PICTURE_QUESTION},
        {"type": "image_url", "image_url": {"url": PICTURE_URL}},
    ]
    assert "image" in model.generate([{"role": "user", "content": content}]).content
