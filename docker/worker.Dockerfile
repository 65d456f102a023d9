# Image of a worker with its engine, for CPUs or NVIDIA GPUs. Build it from the repository's root:
#   buildah build -f docker/worker.Dockerfile --build-arg FLAVOUR=gpu -t adctl-worker:0.1.0-gpu .
# A Debian or Ubuntu with Node 24 and npm. The GPU flavour brings CUDA along: only the driver comes from the node.
ARG BASE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${BASE_IMAGE} AS pruned
WORKDIR /src
COPY . .
RUN npx --yes turbo@2.11.9 prune @adctl/worker --docker

FROM ${BASE_IMAGE} AS built
# Only to build the engine: pip fetches TensorFlow's wheel, g++ compiles the addon against it. Debian keeps no older versions
# that could be pinned, and none of these packages reaches the image.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --no-install-recommends --yes binutils ca-certificates g++ python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=pruned /src/out/json/ ./
COPY --from=pruned /src/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY --from=pruned /src/out/full/ ./
COPY --from=pruned /src/tsconfig.base.json /src/docker/keep-runtime.sh ./
RUN npx turbo run build
ARG FLAVOUR=cpu
# Builds, tests and lists the engine; what was downloaded for it is of no further use. Made for the builder alone, it is run by another user.
RUN ADCTL_ENGINE_CACHE_DIR=/opt/adctl node packages/engine/dist/main-build.js --flavour "${FLAVOUR}" \
 && rm -rf /opt/adctl/engine/downloads \
 && chmod -R a+rX /opt/adctl
RUN ./keep-runtime.sh

FROM ${BASE_IMAGE}
WORKDIR /app
# Libraries ask for the user's name, home and shell. /tmp is what stays writable on a read-only root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /bin/sh adctl
COPY --from=built /opt/adctl/ /opt/adctl/
COPY --from=built /app/node_modules/ node_modules/
COPY --from=built /app/packages/ packages/
COPY --from=built /app/package.json ./
ARG FLAVOUR=cpu
ENV NODE_ENV=production \
    ADCTL_ENGINE_CACHE_DIR=/opt/adctl \
    ADCTL_ENGINE_FLAVOUR=${FLAVOUR} \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
ENTRYPOINT ["node", "/app/packages/worker/dist/main.js"]
