import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { commonConfigFields, loadConfig } from '../common-config.ts'
import { runService } from '../run-service.ts'
import type { ServiceName } from '../service.ts'

/** A service of a few lines, run as a real process by the tests of the runner. */
const config = z.object({
  HINDSIGHT_PORT: commonConfigFields.HINDSIGHT_PORT,
  SAMPLE_DRAIN_MS: z.coerce.number().default(0),
  SAMPLE_TRACE: z.string(),
})

await runService({
  name: (process.env['SAMPLE_NAME'] ?? 'gateway') as ServiceName,
  config: (env) => loadConfig(config, env),
  start: async ({ config, meter, fail }) => {
    const requests = meter.createCounter('sample_requests', { description: 'Requests answered.' })
    const server = createServer((request, response) => {
      requests.add(1)
      if (request.url === '/fail') fail(new Error('asked to fail'))
      response.end('hello')
    })
    await new Promise<void>((done, refuse) => server.once('error', refuse).listen(config.HINDSIGHT_PORT, '127.0.0.1', done))
    const { port } = server.address() as { port: number }
    return {
      addresses: { http: `http://127.0.0.1:${port}` },
      checks: async () => ({ listening: server.listening }),
      status: async () => ({ port }),
      drain: async () => {
        appendFileSync(config.SAMPLE_TRACE, 'drain\n')
        server.close()
        await wait(config.SAMPLE_DRAIN_MS)
        appendFileSync(config.SAMPLE_TRACE, 'drained\n')
      },
    }
  },
})
