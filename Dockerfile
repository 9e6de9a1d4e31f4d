# One image for every process of ours; docker-compose.yml says which one a container is.
#
# Tags are exact. A digest would be exacter still, but has to be looked up at a registry, which the place where this was
# written cannot reach: `docker buildx imagetools inspect python:3.12.15-slim-trixie` shows it, to be put behind an @.

FROM python:3.12.15-slim-trixie AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/server.lock /tmp/server.lock
# Wheels only: building from source would run a stranger's code with the network at hand.
RUN /opt/venv/bin/pip install --require-hashes --no-deps --only-binary=:all: -r /tmp/server.lock

FROM packages AS project
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /srv/sightline
COPY manage.py ./
COPY config ./config
COPY clips ./clips
COPY workforce ./workforce
COPY annotations ./annotations
COPY locale ./locale
COPY deploy/alive.py deploy/make_buckets.py ./deploy/
# The settings want to be complete before they serve any command. What they get lives for this line only; nothing is
# connected to. Files that Django writes are for their owner alone, and the owner here is not who will serve them.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_hex(64))')" \
    ACCESS_LOG_KEY="$(python -c 'import secrets; print(secrets.token_hex(64))')" \
    ALLOWED_HOSTS=build.invalid DATABASE_URL=postgresql:///build REDIS_URL=unix:///build VAR_DIR=/tmp/build \
    python manage.py collectstatic --noinput \
    && rm -rf /tmp/build \
    && python -m compileall -q . \
    && chmod -R a+rX,go-w .

FROM python:3.12.15-slim-trixie
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 sightline \
    && useradd --uid 10001 --gid sightline --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin sightline \
    # A new volume takes the owner and the mode of the folder it is mounted on.
    && install --directory --owner sightline --group sightline --mode 0700 /var/lib/sightline
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 VAR_DIR=/var/lib/sightline
# Code and packages belong to root: what runs as sightline cannot change them.
COPY --from=packages /opt/venv /opt/venv
COPY --from=project /srv/sightline /srv/sightline
WORKDIR /srv/sightline
# By number, so that an orchestrator can tell that it is not root.
USER 10001:10001
