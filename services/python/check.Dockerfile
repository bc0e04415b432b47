ARG PYTHON_IMAGE=python:3-slim-trixie

FROM ${PYTHON_IMAGE} AS dependencies
# pip lives in a virtual environment of its own, which stays behind in this stage.
RUN python -m venv /opt/pip && python -m venv --without-pip /opt/service
COPY requirements.txt /src/
RUN /opt/pip/bin/pip --python /opt/service/bin/python install --no-cache-dir --no-compile --only-binary :all: \
    --require-hashes --requirement /src/requirements.txt

FROM dependencies AS check
COPY requirements-check.txt /src/
RUN /opt/pip/bin/pip --python /opt/service/bin/python install --no-cache-dir --no-compile --only-binary :all: \
    --require-hashes --requirement /src/requirements-check.txt
COPY . /src
WORKDIR /src
RUN /opt/service/bin/ruff format --check --no-cache
RUN /opt/service/bin/ruff check --no-cache
RUN /opt/service/bin/mypy --cache-dir /tmp/mypy
RUN /opt/service/bin/python -m pytest
