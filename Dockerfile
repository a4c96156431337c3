# One image for every service: the command names its entry, as `gateway/main.ts`.
#   docker build -t hindsight . && docker run --init hindsight logger/main.ts
# Without the optional dependencies: no embedded stores, so REDIS_URL and CLICKHOUSE_URL are needed. Node.js 24 runs the
# TypeScript sources as they are. Not run by the project's own tests, which have no container engine.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force \
  # ONNX Runtime ships its library for every system; this image is one of them.
  && rm -rf node_modules/onnxruntime-node/bin/napi-v*/darwin node_modules/onnxruntime-node/bin/napi-v*/win32

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
  HINDSIGHT_DATA_DIR=/data \
  HINDSIGHT_PROJECT_DIR=/project \
  HINDSIGHT_ADMIN_PORT=9090
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY . .
# A new volume takes over the owner of the folder that it is mounted on.
RUN mkdir /data /project && chown node:node /data
USER node
VOLUME /data
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HINDSIGHT_ADMIN_PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The services drain on SIGTERM by themselves; `--init` (`init: true`) reaps what they leave.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node"]
CMD ["gateway/main.ts"]
