# Some files over an image: a database's initial statements, or profiles over the load generator (harness/containers/own_images.py).
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG FOLDER
COPY files/ ${FOLDER}/
