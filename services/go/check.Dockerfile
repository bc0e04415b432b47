# Up to the sources the same steps as the Dockerfile, which share their layers.
ARG GO_IMAGE=golang:1-trixie
FROM ${GO_IMAGE} AS build
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
WORKDIR /src
COPY go.mod go.sum ./
# Compiles what rarely changes into the layer's build cache: a changed source costs its own compilation and a link.
RUN go mod download && go build -trimpath github.com/jackc/pgx/v5/pgxpool net/http encoding/json/v2

# A module file of its own: the linter's modules are no dependencies of the service.
COPY tools.mod tools.sum ./
RUN go build -modfile=tools.mod -o /usr/local/bin/staticcheck honnef.co/go/tools/cmd/staticcheck
COPY *.go ./
RUN files=$(gofmt -l .) && echo "$files" && test -z "$files"
RUN go mod tidy -diff && go mod verify
RUN go vet ./...
RUN staticcheck ./...
RUN go test -trimpath ./...
