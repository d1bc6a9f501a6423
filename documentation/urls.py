"""Routes of the documentation, and of what describes the site to visitors and programs."""

from django.urls import path

from .views import machines, pages, site_pages

urlpatterns = [
    path("docs", pages.start, name="docs"),
    path("docs/", pages.start),
    path("docs/search", pages.search, name="docs-search"),
    path("docs/<path:slug>", pages.page, name="docs-page"),
    path("pricing", site_pages.pricing, name="pricing"),
    path("support", site_pages.support, name="support"),
    path("llms.txt", machines.llms, name="llms"),
    path("llms-full.txt", machines.llms_full, name="llms-full"),
    path("openapi.json", machines.openapi, name="openapi"),
    path("sitemap.xml", machines.sitemap, name="sitemap"),
]
