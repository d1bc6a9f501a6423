"""Small exports of other chat programs, each of one chat in their form."""

from typing import Any

Sample = dict[str, Any]


def _said(name: str, parent: str | None, role: str, content: Sample, **message: Any) -> Sample:
    author = {"role": role}
    return {"id": name, "parent": parent, "message": {"id": name, "author": author, "content": content, **message}}


def _text(*parts: Any) -> Sample:
    return {"content_type": "text", "parts": list(parts)}


CITED = "Twice\ue200cite\ue202turn0\ue201 a day."
PICTURE = {"content_type": "image_asset_pointer"}
THOUGHT = {"summary": "Look", "content": "At a map"}
FOLDED = '<details type="reasoning" done="true">\n<summary>Thought</summary>\n> 5,500 °C\n</details>\nHot.'

#: A question edited once; the answer to the second goes through a tool and was made again.
CHATGPT: list[Sample] = [
    {
        "title": "Tides",
        "create_time": 1700000000.5,
        "update_time": 1700000900.0,
        "conversation_id": "11111111-aaaa-4bbb-8ccc-000000000001",
        "default_model_slug": "gpt-4o",
        "current_node": "a3",
        "mapping": {
            node["id"]: node
            for node in [
                {"id": "root", "parent": None, "message": None, "children": ["sys"]},
                _said("sys", "root", "system", _text("")),
                _said("q1", "sys", "user", _text("Why are there tides?"), create_time=1700000001),
                _said("a1", "q1", "assistant", _text("The moon."), metadata={"model_slug": "gpt-4o-mini"}),
                _said(
                    "q2",
                    "sys",
                    "user",
                    {"content_type": "multimodal_text", "parts": [PICTURE, "And here?"]},
                    create_time=1700000100,
                    metadata={"attachments": [{"name": "bay.png"}]},
                ),
                _said("t2", "q2", "assistant", {"content_type": "thoughts", "thoughts": [THOUGHT]}),
                _said(
                    "c2",
                    "t2",
                    "assistant",
                    {"content_type": "code", "language": "python", "text": "print(2)"},
                    recipient="python",
                ),
                _said("o2", "c2", "tool", {"content_type": "execution_output", "text": "2"}),
                _said(
                    "a2",
                    "o2",
                    "assistant",
                    _text(CITED),
                    metadata={"model_slug": "o9-unheard"},
                ),
                _said(
                    "a3",
                    "q2",
                    "assistant",
                    _text("Two highs a day."),
                    create_time=1700000200,
                    metadata={"model_slug": "gpt-4o"},
                ),
            ]
        },
    }
]

CLAUDE: list[Sample] = [
    {
        "uuid": "22222222-aaaa-4bbb-8ccc-000000000002",
        "name": "Bread",
        "created_at": "2025-01-02T03:04:05.000000Z",
        "updated_at": "2025-01-02T03:09:05.000000Z",
        "chat_messages": [
            {
                "uuid": "h1",
                "sender": "human",
                "text": "Why does it rise?",
                "created_at": "2025-01-02T03:04:06Z",
                "content": [{"type": "text", "text": "Why does it rise?"}],
                "attachments": [{"file_name": "recipe.txt", "extracted_content": "Flour, water"}],
                "files": [{"file_name": "loaf.jpg"}],
            },
            {
                "uuid": "r1",
                "sender": "assistant",
                "created_at": "2025-01-02T03:04:09Z",
                "text": "",
                "content": [
                    {"type": "thinking", "thinking": "Yeast."},
                    {"type": "text", "text": "Yeast makes gas."},
                    {"type": "tool_use", "name": "artifacts", "input": {"title": "Plan", "content": "1. Mix"}},
                    {"type": "tool_result", "content": [{"type": "text", "text": "OK"}]},
                ],
            },
        ],
    }
]

OPEN_WEBUI: list[Sample] = [
    {
        "id": "33333333-aaaa-4bbb-8ccc-000000000003",
        "title": "Stars",
        "pinned": True,
        "created_at": 1700000000,
        "updated_at": 1700000500,
        "chat": {
            "title": "Stars",
            "params": {"system": "Be brief."},
            "history": {
                "currentId": "x2",
                "messages": {
                    "u1": {
                        "id": "u1",
                        "parentId": None,
                        "role": "user",
                        "content": "How hot is the sun?",
                        "timestamp": 1700000001,
                        "files": [{"type": "image", "url": "data:image/png;base64,AA=="}],
                    },
                    "x1": {
                        "id": "x1",
                        "parentId": "u1",
                        "role": "assistant",
                        "model": "openai/gpt-4o-mini",
                        "modelIdx": 0,
                        "timestamp": 1700000002,
                        "content": FOLDED,
                    },
                    "x2": {
                        "id": "x2",
                        "parentId": "u1",
                        "role": "assistant",
                        "model": "llama3:latest",
                        "modelIdx": 1,
                        "timestamp": 1700000002,
                        "content": "",
                        "error": {"content": "Out of memory"},
                    },
                },
            },
        },
    }
]
