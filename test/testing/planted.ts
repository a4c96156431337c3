import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A request of someone who has no business with what it would show or change. */
export type Attack = {
  kind: string
  sql: string
  /** Parameters of the URL, and headers, besides the statement. */
  query?: Record<string, string>
  headers?: Record<string, string>
  /** Whether it may well be answered, with nothing of others in the answer. */
  answered?: boolean
}

export const attacks: readonly Attack[] = read('../analysts/attacks.jsonl').map((line) => JSON.parse(line) as Attack)

/** Statements that an analyst may send, a line each; `\n` stands for a line break. */
export const questions: readonly string[] = read('../analysts/questions.txt').map((line) => line.replaceAll('\\n', '\n'))

function read(name: string): string[] {
  const text = readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8')
  return text.split('\n').filter((line) => line !== '')
}

/** The targets of attacks: a file, a folder to write to, a server to be called. */
export type Planted = {
  /** A text that only the planted file holds. */
  marker: string
  aim(text: string): string
  /** Names of files that are there and were not planted. */
  written(): string[]
  connections(): number
  remove(): Promise<void>
}

export async function plant(): Promise<Planted> {
  const dir = mkdtempSync(join(tmpdir(), 'hindsight-planted-'))
  const [folder, out] = [join(dir, 'folder'), join(dir, 'out')]
  const secret = join(folder, 'secret.csv')
  const marker = `marker-${randomUUID()}`
  for (const path of [folder, out]) mkdirSync(path)
  writeFileSync(secret, `${marker}\n`)
  // The file has a name without a dot, which is not taken for a table in a database.
  writeFileSync(join(folder, 'plain'), `${marker}\n`)
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const places: Record<string, string> = {
    SECRET: secret,
    FOLDER: folder,
    OUT: out,
    RELATIVE: relative(process.cwd(), secret),
    URL: `http://127.0.0.1:${port}`,
    PORT: String(port),
  }
  return {
    marker,
    aim: (text) => text.replace(/\$(SECRET|FOLDER|OUT|RELATIVE|URL|PORT)/g, (_, name: string) => places[name] as string),
    written: () => [...readdirSync(out), ...readdirSync(folder).filter((name) => name !== 'secret.csv' && name !== 'plain')],
    connections: () => connections,
    async remove() {
      rmSync(dir, { recursive: true, force: true })
      await new Promise((done) => server.close(done))
    },
  }
}
