import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { listenAndReport } from './listen-and-report.ts'

/** What the web framework leaves of it: the same echo as a route of Hono. */
const app = new Hono()
app.post('/*', async (c) => c.json(await c.req.json()))
listenAndReport(createAdaptorServer({ fetch: app.fetch }) as Server)
