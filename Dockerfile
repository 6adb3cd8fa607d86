# One image for every process of ours; the command says which: migrate, ingress, query, worker.
FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /onefold
COPY pyproject.toml README.md requirements.lock ./
# Dependencies first, and without our code, so that a change of the code alone reuses this layer. The lock's hashes hold;
# what only development needs is left out by resolving the project's own dependencies against it.
# All is compiled here, since the user that runs it can't keep what it compiles, and would do so at every start.
RUN uv venv /opt/onefold \
    && uv pip install --python /opt/onefold/bin/python --compile-bytecode --no-cache --constraints requirements.lock -r pyproject.toml
COPY schemas schemas
COPY projections projections
COPY services services
RUN uv pip install --python /opt/onefold/bin/python --compile-bytecode --no-cache --no-deps .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin onefold
COPY --from=build /opt/onefold /opt/onefold
ENV PATH=/opt/onefold/bin:$PATH PYTHONUNBUFFERED=1
USER onefold
ENTRYPOINT ["onefold"]
CMD ["--help"]
