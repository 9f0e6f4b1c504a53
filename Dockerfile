# Two stages: the image contains the program without its build tools.
# Try it: docker build -t daily-papers . && docker run -e DISCORD_TOKEN -v daily-papers:/data daily-papers
# A tag, not a digest: Docker's registry rebuilds this image when Debian or Python fixes a vulnerability, and a digest that
# was not read from that registry cannot be trusted. To build from exactly the same image again, pass the result of
#   docker buildx imagetools inspect python:3.13-slim --format '{{.Manifest.Digest}}'
# with --build-arg BASE=python:3.13-slim@sha256:…
ARG BASE=python:3.13-slim
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/daily-papers
# Dependencies first: they change less often than the program, and Docker reuses unchanged layers.
COPY requirements.lock ./
RUN /opt/daily-papers/bin/python -m pip install --no-deps --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY cogs cogs
COPY bot bot
RUN /opt/daily-papers/bin/python -m pip install --no-deps --no-build-isolation . \
    && /opt/daily-papers/bin/python -m pip uninstall --yes setuptools wheel pip

FROM ${BASE}
# For Chinese, Japanese and Korean keywords in charts: 5 MB.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-wqy-microhei \
    && rm -rf /var/lib/apt/lists/*
# A numeric user lets an orchestrator verify that it is not root.
RUN groupadd --gid 10001 daily-papers \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin daily-papers \
    && install --directory --owner=10001 --group=10001 --mode=0750 /data
COPY --from=build /opt/daily-papers /opt/daily-papers
# Environment variables override config.json, so the health check and the bot use the same port. The web server listens
# on all of the container's interfaces: from 127.0.0.1, Docker could not publish its port.
ENV PATH=/opt/daily-papers/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    DAILY_PAPERS_DATABASE=/data/daily-papers.sqlite3 \
    DAILY_PAPERS_WEB__HOST=0.0.0.0 \
    DAILY_PAPERS_WEB__PORT=8080
# A config.json next to the database is found without --config.
WORKDIR /data
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
# Not urllib: it would send a request for 127.0.0.1 to a proxy from the environment.
HEALTHCHECK --interval=30s --timeout=10s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['DAILY_PAPERS_WEB__PORT']), timeout=8); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["daily-papers"]
