# One image for every process of ours; the command says which: consume, project, serve, migrate, run …
FROM python:3.13-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/billing
COPY requirements-image.lock ./
RUN /opt/billing/bin/pip install --require-hashes --requirement requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY billing billing
COPY schemas schemas
COPY ledger ledger
COPY projections projections
COPY consumers consumers
COPY documents documents
COPY api api
COPY cli cli
COPY benchmarks benchmarks
RUN /opt/billing/bin/pip install --no-deps --no-build-isolation . \
    && /opt/billing/bin/pip uninstall --yes setuptools pip

FROM python:3.13-slim-bookworm AS billing

# What WeasyPrint needs to render PDFs.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin billing
COPY --from=build /opt/billing /opt/billing

# Nothing is written outside of /tmp, so that the root may be read-only.
ENV PATH=/opt/billing/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/tmp
USER 10001
WORKDIR /tmp
ENTRYPOINT ["billing"]
CMD ["--help"]

# For deploy/backup and deploy/restore: PostgreSQL's programs, of the version that compose's server has. Debian's own
# are older, and an older pg_dump refuses.
FROM billing AS backup
USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/lib/postgresql/18/bin:$PATH
USER 10001

# What is built where no target is named.
FROM billing
