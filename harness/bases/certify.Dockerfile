# An official image plus the certificates that this host's owner has added: builds behind TLS inspection need them.
# Debian's update-ca-certificates serves curl, pip, Go and cargo; a JDK with a trust store of its own gets them by keytool.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY *.crt /usr/local/share/ca-certificates/
RUN if command -v update-ca-certificates >/dev/null; then update-ca-certificates; \
    else mkdir -p /etc/ssl/certs && cat /usr/local/share/ca-certificates/*.crt >> /etc/ssl/certs/ca-certificates.crt; fi \
    && if command -v keytool >/dev/null; then \
         for certificate in /usr/local/share/ca-certificates/*.crt; do \
           keytool -importcert -noprompt -cacerts -storepass changeit -alias "$(basename "$certificate")" -file "$certificate"; \
         done; \
       fi
