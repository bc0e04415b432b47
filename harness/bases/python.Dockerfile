ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
# `python` is the name that the official image has too; venv brings pip.
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv python-is-python3 \
    && rm -rf /var/lib/apt/lists/*
