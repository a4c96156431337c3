import { fdatasync, openSync, write } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { listenAndReport } from './listen-and-report.ts'

/** Echoes a body as the bare server does, once it is on disk. All bodies that come during one `fdatasync` share the next. */
const writeTo = promisify(write)
const syncTo = promisify(fdatasync)
const fd = openSync(join(process.env['BENCH_DIR'] ?? '.', 'echo.log'), 'a')

let waiting: { body: Buffer; answer: () => void }[] = []
let committing = false

async function commitAll(): Promise<void> {
  committing = true
  while (waiting.length > 0) {
    const batch = waiting
    waiting = []
    await writeTo(fd, Buffer.concat(batch.map(({ body }) => body)))
    await syncTo(fd)
    for (const { answer } of batch) answer()
  }
  committing = false
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    const text = JSON.stringify(JSON.parse(body.toString()))
    const answer = () => void response.writeHead(200, { 'content-type': 'application/json' }).end(text)
    waiting.push({ body, answer })
    if (!committing) void commitAll()
  })
})
listenAndReport(server)
