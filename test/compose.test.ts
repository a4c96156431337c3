import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadFeaturesConfig } from '../features/config.ts'
import { loadGatewayConfig } from '../gateway/config.ts'
import { loadLabelerConfig } from '../labeler/config.ts'
import { loadLoggerConfig } from '../logger/config.ts'
import { loadForwarderConfig } from '../forwarder/config.ts'
import { loadRunnerConfig } from '../platform/service/common-config.ts'

type Service = {
  command?: string[]
  build?: string
  environment?: Record<string, string>
  volumes?: string[]
  healthcheck?: object
  depends_on?: Record<string, object>
}

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const read = (path: string) => readFileSync(root(path), 'utf8')
const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service>; volumes: object }
const dockerfile = read('Dockerfile')
const services = Object.entries(compose.services)
const own = services.filter(([, service]) => service.build !== undefined)

const loaders: Record<string, (env: NodeJS.ProcessEnv) => object> = {
  'gateway/main.ts': loadGatewayConfig,
  'features/main.ts': loadFeaturesConfig,
  'logger/main.ts': loadLoggerConfig,
  'labeler/main.ts': loadLabelerConfig,
  'forwarder/main.ts': loadForwarderConfig,
}

/** Fills in what Compose does, `${NAME:?message}`, `${NAME:-default}` and `$$`, with a value for every name. */
function interpolate(text: string): string {
  return text.replaceAll(/\$\$|\$\{(\w+)(?::[?-][^}]*)?\}/g, (whole, name: string) => (whole === '$$' ? '$' : `a value of ${name}`))
}

/** The environment of a service: what the image sets, and then its own. */
function environmentOf({ environment = {} }: Service): Record<string, string> {
  const image = [...dockerfile.matchAll(/^(?:ENV|) +(\w+)=(\S+)/gm)].map(([, name = '', value = '']) => [name, value])
  return {
    ...Object.fromEntries(image),
    ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, interpolate(value)])),
  }
}

describe('docker-compose.yml', () => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
    JSON.parse(read('test/compose-spec/compose-spec.json')) as object,
  )

  test('is what the Compose Specification says', () => {
    validate(compose)
    expect(validate.errors).toBeNull()
    expect(validate({ services: { gateway: { image: 'x', evironment: {} } } })).toBe(false)
  })

  test('runs every service of its own from the one image, healthy when ready', () => {
    expect(new Set(own.map(([, { command }]) => command?.at(-1)))).toEqual(new Set(Object.keys(loaders)))
    for (const [, { command, build }] of own) {
      expect(build).toBe('.')
      expect(existsSync(root(command?.at(-1) ?? ''))).toBe(true)
    }
    expect(dockerfile).toMatch(/^HEALTHCHECK /m)
    for (const [, { build, healthcheck }] of services) expect(build ?? healthcheck).toBeDefined()
  })

  test.each(own)('%s: every variable that it sets exists and is valid', (_name, service) => {
    const environment = environmentOf(service)
    const load = loaders[service.command?.at(-1) ?? '']!
    const { NODE_ENV, ...variables } = environment
    expect(NODE_ENV).toBe('production')
    const known = { ...loadRunnerConfig(variables), ...load(variables) }
    const ofOthers = ['HINDSIGHT_PROJECT_DIR']
    const unknown = Object.keys(variables).filter((name) => !Object.hasOwn(known, name) && !ofOthers.includes(name))
    expect(unknown).toEqual([])
  })

  test('has no default for a secret', () => {
    const secrets = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|KEY|SECRET/.test(name)),
    )
    expect(secrets.length).toBeGreaterThan(5)
    for (const [name, value] of secrets) expect(value).toMatch(new RegExp(`^\\$\\{${name}:\\?`))
  })

  test('keeps what must outlive a container on volumes, the outbox with who writes and who empties it', () => {
    const withOutbox = own.filter(([, { volumes = [] }]) => volumes.includes('data:/data')).map(([name]) => name)
    expect(withOutbox).toEqual(['gateway', 'forwarder'])
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':', 1)[0] ?? ''))
    for (const name of Object.keys(compose.volumes)) expect(used).toContain(name)
    expect(dockerfile).toMatch(/HINDSIGHT_DATA_DIR=\/data\b/)
  })

  test('the event log goes by NATS for all who take part in it', () => {
    const url = compose.services['gateway']?.environment?.['NATS_URL']
    expect(url).toMatch(/^nats:\/\/nats:/)
    for (const name of ['gateway', 'forwarder', 'logger', 'features']) {
      expect(compose.services[name]?.environment).toMatchObject({ NATS_URL: url, NATS_USER: 'hindsight' })
    }
    const command = compose.services['nats']?.command?.join(' ')
    expect(command).toContain('--jetstream')
    expect(command).toContain('--user hindsight --pass "$$NATS_PASSWORD"')
  })

  test('waits only for what exists', () => {
    for (const [, { depends_on: needed = {} }] of services)
      for (const name of Object.keys(needed)) expect(compose.services).toHaveProperty(name)
  })
})

describe('the image', () => {
  test('holds what every service imports, and runs as no root', () => {
    const kept = new Set([...read('.dockerignore').matchAll(/^!(\S+)$/gm)].map(([, name]) => name))
    for (const folder of ['bin', 'contracts', 'features', 'gateway', 'labeler', 'logger', 'platform', 'package-lock.json'])
      expect(kept).toContain(folder)
    expect(dockerfile).toMatch(/^USER node$/m)
  })
})
