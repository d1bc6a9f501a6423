"""JSON shapes of the rankings."""

from typing import Literal

from ninja import Schema

__all__ = ["AppRankings", "Category", "RankingsDaily", "Subcategory"]

Category = Literal[
    "programming", "roleplay", "marketing", "marketing/seo", "technology", "science", "translation", "legal", "finance",
    "health", "trivia", "academia",
]  # fmt: skip
Subcategory = Literal[
    "cli-agent", "ide-extension", "cloud-agent", "programming-app", "native-app-builder", "creative-writing",
    "video-gen", "image-gen", "audio-gen", "roleplay", "game", "writing-assistant", "general-chat", "personal-agent",
    "legal",
]  # fmt: skip


class RankingsMeta(Schema):
    """The days of the answer, both included, and when they were counted."""

    as_of: str
    version: Literal["v1"]
    start_date: str
    end_date: str


class RankingsDailyItem(Schema):
    """The tokens of a model on a date; `other` has those of all further models."""

    date: str
    model_permaslug: str
    total_tokens: str


class RankingsDaily(Schema):
    data: list[RankingsDailyItem]
    meta: RankingsMeta


class AppRankingsItem(Schema):
    """An app with its rank among those that the request asks for."""

    rank: int
    app_id: int
    app_name: str
    total_tokens: str
    total_requests: int


class AppRankings(Schema):
    data: list[AppRankingsItem]
    meta: RankingsMeta
