# The image of every process: web, gateway, worker, clock and migrations differ only in their command.
#
#     docker build -t openrouter .
#
# Any image with Python 3.11 or newer and a Debian-like system works as a base. Pin it by digest where you build for
# production: --build-arg BASE=python:3.13-slim@sha256:...
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /app
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 npm_config_cache=/tmp/npm
# First what changes seldom: packages are installed again only when their lists change.
COPY requirements requirements
COPY scripts scripts
COPY package.json package-lock.json .npmrc ./
RUN python3 scripts/dev.py setup --production && rm -rf /tmp/npm
COPY . .
RUN STATIC_ROOT=/app/collected DATA_DIR=/tmp python3 scripts/dev.py static && .venv/bin/python -m compileall -q -j 0 .

FROM ${BASE}
RUN groupadd --system --gid 10001 openrouter \
    && useradd --system --uid 10001 --gid openrouter --home-dir /app --no-create-home openrouter \
    && mkdir -p /data /exports && chown openrouter:openrouter /data /exports
WORKDIR /app
COPY --from=build /app /app
# The root may be read-only: whatever a process writes goes to /data, and to /tmp. A volume at /exports is for
# EXPORT_DIR, whose files must outlive the container.
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DEBUG=false DATA_DIR=/data STATIC_ROOT=/app/collected
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["uvicorn", "openrouter_site.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-proxy-headers", "--timeout-graceful-shutdown", "60"]
