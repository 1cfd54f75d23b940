# The site as a container: `docker build --tag triphase .`; docs/operations.md says how to run it.

# The version of Python (3.11) that the tests run on, and whose wheels constraints.txt pins.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt constraints.txt ./
# Wheels only, so that nothing is compiled and no package runs its own code here. pip is not needed
# after that.
RUN pip install --only-binary :all: --requirement requirements.txt --constraint constraints.txt \
    && pip uninstall --yes pip
COPY . .
# The names hold hashes, so files of two versions do not collide. The settings are for this command
# only, and no secret is used.
RUN AWS_STORAGE_BUCKET_NAME=none SECRET_KEY=none ALLOWED_HOSTS=none DATABASE_URL=sqlite://:memory: \
    python manage.py collectstatic --no-input \
    && python -m compileall -q /app \
    # After a checkout with a strict umask the user below could read nothing.
    && chmod -R a+rX /app

FROM python:3.11.14-slim-bookworm
# A fixed number, for volumes and for `runAsUser`; no home and no shell.
RUN groupadd --gid 10001 triphase \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
    --shell /usr/sbin/nologin triphase
COPY --from=build /venv /venv
COPY --from=build /app /app
# The root filesystem may be read-only: only /dev/shm and /tmp are written to.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PORT=8000 WEB_CONCURRENCY=2
WORKDIR /app
USER 10001:10001
EXPOSE 8000
# SIGTERM lets running requests end: see docker/gunicorn.py for how long that may take.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "docker/healthcheck.py"]
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["serve"]
