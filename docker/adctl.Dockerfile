# Image of the controller and the CLI. Build it from the repository's root:
#   buildah build -f docker/adctl.Dockerfile -t adctl:0.1.0 .
# A Debian or Ubuntu with Node 24 and npm. Pin your own mirror of it by digest.
ARG BASE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

# The part of the workspace that these packages need. The worker never runs here: the controller reads the digest of the code
# that trains, which must be the one in the worker's image.
FROM ${BASE_IMAGE} AS pruned
WORKDIR /src
COPY . .
RUN npx --yes turbo@2.11.9 prune adctl @adctl/controller @adctl/worker --docker

FROM ${BASE_IMAGE} AS built
WORKDIR /app
# Packages first: a change of sources leaves this layer as it is.
COPY --from=pruned /src/out/json/ ./
COPY --from=pruned /src/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY --from=pruned /src/out/full/ ./
COPY --from=pruned /src/tsconfig.base.json /src/docker/keep-runtime.sh ./
RUN npx turbo run build && ./keep-runtime.sh

FROM ${BASE_IMAGE}
WORKDIR /app
# Libraries ask for the user's name, home and shell. /tmp is what stays writable on a read-only root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /bin/sh adctl
ENV NODE_ENV=production
COPY --from=built /app/node_modules/ node_modules/
COPY --from=built /app/packages/ packages/
COPY --from=built /app/package.json ./
COPY --chmod=644 docker/adctl-entry.mjs /app/
# Numbers, so that Kubernetes can tell that this is not root.
USER 10001:10001
# `controller` starts a controller; anything else is a command of adctl.
# V8 would keep much more memory than a controller needs; what it takes with and without the flags: bench/results.md.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--heap-growing-percent=30", "/app/adctl-entry.mjs"]
CMD ["--help"]
