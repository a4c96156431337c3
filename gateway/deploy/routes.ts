import type { Hono } from 'hono'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { readJsonBody } from '../http/json-body.ts'
import { exchangeOf } from '../http/exchange-of.ts'
import type { Deployer } from './deployer.ts'

const path = '/v1/models/:model/deployment'

/** Routes of the admin listener that show a model's deployment and put another in its place. */
export function addDeploymentRoutes(app: Hono<GatewayEnv>, deployer: Pick<Deployer, 'state' | 'change'>): void {
  app.get(path, async (c) => c.json(await deployer.state(c.req.param('model'))))
  app.put(path, async (c) => c.json(await deployer.change(c.req.param('model'), await readJsonBody(exchangeOf(c)), c.var.caller.name)))
}
