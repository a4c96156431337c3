import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { listenAndReport } from './listen-and-report.ts'

/** An echo as a route of Hono, which shows what the web framework leaves of what Node can do. */
const app = new Hono()
app.post('/*', async (c) => c.json(await c.req.json()))
listenAndReport(createAdaptorServer({ fetch: app.fetch }) as Server)
