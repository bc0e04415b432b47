# A Python that Debian's stable release does not have, from the release that comes after it. That has a newer C library.
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
ARG PYTHON
RUN sed -n 's/^\(deb .*\) trixie main$/\1 forky main/p' /etc/apt/sources.list > /etc/apt/sources.list.d/forky.list \
    && printf 'Package: *\nPin: release n=forky\nPin-Priority: 100\n' > /etc/apt/preferences.d/forky \
    && apt-get update && apt-get install -y --no-install-recommends -t forky python${PYTHON} python${PYTHON}-venv \
    && ln -s python${PYTHON} /usr/bin/python && ln -s python${PYTHON} /usr/bin/python3 \
    && rm -rf /var/lib/apt/lists/*
