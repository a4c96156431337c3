import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeWithNats, natsBinaries, startTestNats, testNatsSettings, type TestNats } from './testing/nats-server.ts'
import { connectNats, type NatsLink } from './connect-nats.ts'
import { makeCertificates, makeOperator, type Certificates } from './testing/security-nats.ts'

const secret = 's3cret/@:%'
const inUrl = encodeURIComponent(secret)
const unavailable = { code: 'event_log_unavailable', retryable: true }
const refused = { ...unavailable, message: 'NATS refuses the credentials' }
const patience = { timeout: 180_000 }

type Values = NonNullable<Parameters<typeof testNatsSettings>[1]>

describeWithNats.each(natsBinaries.map((binary) => [binary.version, binary] as const))('a connection to nats-server %s', (_, binary) => {
  let dir: string
  let certificates: Certificates
  const servers: TestNats[] = []
  const links: Promise<NatsLink | undefined>[] = []
  let stopping = new AbortController()

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hindsight-nats-security-'))
    certificates = makeCertificates(dir)
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))
  afterEach(async () => {
    stopping.abort()
    stopping = new AbortController()
    for (const link of await Promise.all(links.splice(0))) await link?.close()
    for (const server of servers.splice(0)) await server.stop()
  })

  async function start(config: string): Promise<TestNats> {
    const server = await startTestNats({ binary, config })
    servers.push(server)
    return server
  }

  function open(url: string, values: Values = {}) {
    const faults: unknown[] = []
    const opened: { link?: NatsLink; faults: unknown[] } = { faults }
    const linking = connectNats(testNatsSettings(url, values), {
      name: 'test',
      onFault: (error) => void faults.push(error),
      signal: stopping.signal,
    })
    links.push(linking.then((link) => (opened.link = link)).catch(() => undefined))
    return opened
  }

  /** Expects that the link is connected and JetStream answers. */
  async function expectIn(opened: ReturnType<typeof open>): Promise<void> {
    await expect.poll(() => opened.link?.connected(), patience).toBe(true)
    const countStreams = async () => (await jetstreamManager((opened.link as NatsLink).nc, { checkAPI: false })).getAccountInfo()
    await expect.poll(countStreams, patience).toMatchObject({ streams: 0 })
  }

  /** Expects that the link is not let in, says why, and never says a secret. */
  async function expectOut(opened: ReturnType<typeof open>, why: object, { times = 3 } = {}): Promise<void> {
    await expect.poll(() => opened.faults.length, patience).toBeGreaterThanOrEqual(times)
    expect(opened.link).toBeUndefined()
    for (const fault of opened.faults) {
      expect(fault).toMatchObject(why)
      const text = inspect(fault, { depth: 10, showHidden: true })
      for (const word of [secret, inUrl, 'hunter2']) expect(text).not.toContain(word)
    }
  }

  async function reconfigure(server: TestNats, change: (config: string) => string): Promise<void> {
    const file = join(dirname(server.storeDir), 'nats.conf')
    await writeFile(file, change(await readFile(file, 'utf8')))
    await server.restart()
  }

  const at = ({ port }: TestNats, { scheme = 'nats', who = '' } = {}) => `${scheme}://${who}127.0.0.1:${port}`

  test('user and password, from variables and from the URL, of which the variables go first', async () => {
    const server = await start(`authorization { user: app, password: ${JSON.stringify(secret)} }`)
    await Promise.all([
      expectIn(open(at(server), { NATS_USER: 'app', NATS_PASSWORD: secret })),
      expectIn(open(at(server, { who: `app:${inUrl}@` }))),
      expectIn(open(at(server, { who: 'app:hunter2@' }), { NATS_PASSWORD: secret })),
      expectOut(open(at(server, { who: 'app:hunter2@' })), refused),
      expectOut(open(at(server)), refused),
    ])
  })

  test('a token, from its variable and from the URL', async () => {
    const server = await start(`authorization { token: ${JSON.stringify(secret)} }`)
    await Promise.all([
      expectIn(open(at(server), { NATS_TOKEN: secret })),
      expectIn(open(at(server, { who: `${inUrl}@` }))),
      expectOut(open(at(server), { NATS_TOKEN: 'hunter2' }), refused),
    ])
  })

  test('refused at the start: says so, and is in as soon as the server knows the password', async () => {
    const server = await start('authorization { user: app, password: earlier }')
    const opened = open(at(server), { NATS_USER: 'app', NATS_PASSWORD: secret })
    await expectOut(opened, refused)
    await reconfigure(server, (config) => config.replace('earlier', JSON.stringify(secret)))
    await expectIn(opened)
  })

  test('refused later, again and again: stays out without giving up, says so, and comes back', async () => {
    const server = await start(`authorization { user: app, password: ${JSON.stringify(secret)} }`)
    const opened = open(at(server), { NATS_USER: 'app', NATS_PASSWORD: secret })
    let reconnects = 0
    await expectIn(opened)
    opened.link?.onReconnect(() => (reconnects += 1))
    for (const round of [1, 2]) {
      opened.faults.length = 0
      await reconfigure(server, (config) => config.replace(JSON.stringify(secret), 'other'))
      await expect
        .poll(() => opened.faults.filter((fault) => (fault as Error).message === refused.message).length, patience)
        .toBeGreaterThan(2)
      expect(opened.link?.connected()).toBe(false)
      expect(inspect(opened.faults, { depth: 10 })).not.toContain(secret)
      await reconfigure(server, (config) => config.replace('other', JSON.stringify(secret)))
      await expectIn(opened)
      expect(reconnects).toBe(round)
    }
  })

  test('TLS with an authority of its own, asked for by the file or by tls://', async () => {
    const server = await start(certificates.serverConfig())
    const unknownAuthority = { ...unavailable, message: expect.stringMatching(/^no connection to NATS: .*(certificate|signed)/) }
    const otherName = { ...unavailable, cause: expect.objectContaining({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }) }
    await Promise.all([
      expectIn(open(at(server), { NATS_CA_FILE: certificates.ca })),
      expectIn(open(at(server, { scheme: 'tls' }), { NATS_CA_FILE: certificates.ca })),
      expectOut(open(at(server), { NATS_CA_FILE: certificates.otherCa }), unknownAuthority),
      expectOut(open(at(server, { scheme: 'tls' })), unavailable),
      expectOut(open(`tls://localhost:${server.port}`, { NATS_CA_FILE: certificates.ca }), otherName),
    ])
  })

  test('never without TLS where TLS was asked for', async () => {
    const server = await start('')
    await Promise.all([
      expectOut(open(at(server, { scheme: 'tls' })), unavailable),
      expectOut(open(at(server), { NATS_CA_FILE: certificates.ca }), unavailable),
    ])
  })

  test('TLS on both sides: the server wants a certificate that it trusts', async () => {
    const server = await start(certificates.serverConfig('verify: true'))
    const show = ({ cert, key }: Certificates['client']) => ({
      NATS_CA_FILE: certificates.ca,
      NATS_CERT_FILE: cert,
      NATS_KEY_FILE: key,
    })
    await expectIn(open(at(server), show(certificates.client)))
    const cutOff = { ...unavailable, hint: expect.stringContaining('NATS_CERT_FILE') }
    const others = [open(at(server), show(certificates.stranger)), open(at(server), { NATS_CA_FILE: certificates.ca })]
    await Promise.all(others.map((opened) => expectOut(opened, cutOff, { times: 1 })))
  })

  test('the server comes back with a certificate that is not trusted: says so, and takes the new authority from the file', async () => {
    const server = await start(certificates.serverConfig())
    const file = join(dir, 'authorities.pem')
    await writeFile(file, await readFile(certificates.ca))
    const opened = open(at(server), { NATS_CA_FILE: file })
    await expectIn(opened)
    await reconfigure(server, (config) =>
      config.replaceAll(/"[^"]*\/server\.(pem|key)"/g, (_whole, kind: 'pem' | 'key') =>
        JSON.stringify(kind === 'pem' ? certificates.stranger.cert : certificates.stranger.key),
      ),
    )
    await expect.poll(() => opened.faults.map(String).join('\n'), patience).toMatch(/no connection to NATS: .*(certificate|signed)/)
    expect(opened.link?.connected()).toBe(false)
    await writeFile(file, await readFile(certificates.otherCa))
    await expectIn(opened)
  })

  test('several servers, of which one is down', async () => {
    const server = await start('')
    const down = await start('')
    await down.stop()
    for (const url of [`${at(down)},${at(server)}`, `${at(server)}, ${at(down)}`]) await expectIn(open(url))
  })

  test('a credentials file in operator mode, and the newer one that replaces it before it expires', async () => {
    const operator = makeOperator()
    const server = await start(operator.serverConfig)
    const file = join(dir, 'app.creds')
    const writeShortLived = () => writeFile(file, operator.credentials({ expiresAtSeconds: Math.floor(Date.now() / 1000) + 4 }))
    await writeShortLived()
    const opened = open(at(server), { NATS_CREDS_FILE: file })
    const isIn = async () => opened.link?.connected() === true || (await writeShortLived(), false)
    await expect.poll(isIn, { ...patience, interval: 2_000 }).toBe(true)
    await expect.poll(() => opened.faults, patience).toContainEqual(expect.objectContaining(refused))
    await writeFile(file, operator.credentials())
    await expectIn(opened)
    await writeFile(file, makeOperator().credentials())
    await expectOut(open(at(server), { NATS_CREDS_FILE: file }), refused)
  })

  test('a file that is missing or no such file: names the variable, and is used once it is there', async () => {
    const server = await start(certificates.serverConfig())
    const file = join(dir, 'later.pem')
    const opened = open(at(server), { NATS_CA_FILE: file })
    const wrongVariable = (name: string) => ({ code: 'invalid_config', message: expect.stringContaining(name) })
    await Promise.all([
      expectOut(opened, wrongVariable('NATS_CA_FILE')),
      expectOut(open(at(server), { NATS_CREDS_FILE: certificates.ca, NATS_CA_FILE: certificates.ca }), wrongVariable('NATS_CREDS_FILE')),
    ])
    await writeFile(file, await readFile(certificates.ca))
    await expectIn(opened)
  })

  test('the signal ends the wait at once', async () => {
    const server = await start('')
    await server.stop()
    const aborting = new AbortController()
    const connecting = connectNats(testNatsSettings(at(server)), { name: 'test', onFault: () => undefined, signal: aborting.signal })
    aborting.abort()
    await expect(connecting).rejects.toMatchObject({ code: 'draining' })
  })
})
