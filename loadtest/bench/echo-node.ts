import { createServer } from 'node:http'
import { listenAndReport } from './listen-and-report.ts'

/** What Node itself can do: parses a JSON body, and answers with it as JSON. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
})
listenAndReport(server)
