# Winnow without its embedded Valkey's data: docker-compose.yml puts a Valkey beside it.

# Pinned to a release; docker-compose.yml says how to pin it to a digest.
ARG PYTHON_IMAGE=python:3.13.9-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
COPY requirements.txt ./
# Wheels only and by their hashes, as `make run` does: nothing is compiled, nothing unknown is run.
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes -r requirements.txt \
    && .venv/bin/python -m pip uninstall --yes --quiet pip
COPY LICENSE winnow ./
COPY moderation moderation
COPY service service
COPY worker worker
COPY models models
# The root file system is read-only at run time, so the bytecode is written now.
RUN .venv/bin/python -m compileall -q moderation service worker models

FROM ${PYTHON_IMAGE}
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes' runAsNonRoot can see that it isn't root.
USER 10001:10001
EXPOSE 8025
STOPSIGNAL SIGTERM
ENTRYPOINT ["./winnow"]
CMD ["web"]
