import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import type { Logger } from 'pino'
import type { RunningService } from '../../platform/service/service.ts'
import type { Access } from '../access/access.ts'
import { createErrorHandler, notFound } from '../http/errors.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { createAdminOpenApiDocument } from '../api-docs/openapi.ts'
import { requestContext } from '../http/request-context.ts'
import { securityHeaders } from '../http/security-headers.ts'
import { requireAdmin } from './require-admin.ts'

export type AdminDeps = {
  access: Access
  /** The address that the admin listener takes connections on. */
  host: string
  logger: Logger
  version: string
  now: () => number
  /** Monotonic milliseconds. */
  tick: () => number
  /** UUIDv7. */
  newId: () => string
}

/**
 * What changes the service: on the admin listener only, beside its health and metrics. Every route behind `/v1` knows its
 * `caller`, who may do all of it; `addRoutes` adds them.
 */
export function createAdminApp(deps: AdminDeps, addRoutes: (app: Hono<GatewayEnv>) => void): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  app.use(securityHeaders(), requestContext(deps))
  app.use('/v1/*', requireAdmin(deps))
  app.onError(createErrorHandler(deps.logger))
  app.notFound(notFound)
  const document = createAdminOpenApiDocument(deps.version)
  app.get('/openapi.json', (c) => c.json(document))
  addRoutes(app)
  return app
}

/** The application in the form that the admin listener takes. */
export function toAdminHandler(app: Hono<GatewayEnv>): NonNullable<RunningService['admin']> {
  const listener = getRequestListener(app.fetch)
  return (request, response) => void listener(request, response)
}
