import { createServer } from 'node:http'
import { listenAndReport } from './listen-and-report.ts'

/** Parses a JSON body and answers with it as JSON, which shows what Node itself can do. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
})
listenAndReport(server)
