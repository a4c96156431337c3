import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventLogContract, fetchAtLeast, toEvent, type EventLogHarness } from '../platform/event-log/event-log.contract.ts'
import { openNatsConsumer } from '../platform/nats/event-log-nats.ts'
import { makeNatsHarness } from './testing/nats-harness.ts'
import { describeWithNats, natsBinaries, type NatsBinary } from '../platform/nats/testing/nats-server.ts'
import { startForwarder, type Forwarder } from './forwarder-nats.ts'
import { connectNats, type NatsLink } from '../platform/nats/connect-nats.ts'

type Role = 'forwarder' | 'logger' | 'features' | 'gateway'
const roles: readonly Role[] = ['forwarder', 'logger', 'features', 'gateway']
const passwordOf = (role: Role) => `secret-of-${role}`

/** What the documentation tells operators to write. */
const documented = /```conf\n([^]*?)```/.exec(readFileSync(new URL('../docs/nats.md', import.meta.url), 'utf8'))?.[1]

/** What was refused; to come before the forwarder has made the streams is no fault. */
const violationsIn = (faults: readonly unknown[]) =>
  faults.map((fault) => inspect(fault)).filter((text) => text.includes('PermissionViolation') && !text.includes('STREAM.CREATE'))

function failOn(violations: readonly string[]): void {
  if (violations.length > 0) throw new Error(`a role lacks a right:\n${violations.join('\n')}`)
}

async function makeHarness(binary: NatsBinary) {
  for (const role of roles) vi.stubEnv(`${role.toUpperCase()}_PASSWORD`, passwordOf(role))
  const log = await makeNatsHarness({ binary, config: documented ?? '' })
  const onFault = (error: unknown) => void log.faults.push(error)
  const settingsOf = (role: Role) => ({ ...log.settings, NATS_USER: role, NATS_PASSWORD: passwordOf(role) })
  const closables: { close(): Promise<void> }[] = []
  async function keep<T extends { close(): Promise<void> }>(opening: T | Promise<T>): Promise<T> {
    const opened = await opening
    closables.push(opened)
    return opened
  }
  return {
    faults: log.faults,
    openWriter: log.openWriter,
    startForwarder: (): Promise<Forwarder> =>
      keep(startForwarder({ dir: log.dir, settings: settingsOf('forwarder'), adoptEveryMs: 250, onFault })),
    openConsumer: (name, lanes) =>
      keep(openNatsConsumer({ settings: settingsOf(name as Role), name, lanes, confirmsStorage: name === 'logger', onFault })),
    connectAs: (role: Role): Promise<NatsLink> => keep(connectNats(settingsOf(role), { name: role, onFault })),
    async dispose() {
      await Promise.allSettled(closables.map((closable) => closable.close()))
      await log.dispose()
      vi.unstubAllEnvs()
    },
  } satisfies EventLogHarness & Record<string, unknown>
}

describeWithNats('the event log with the rights of each role', () => {
  for (const binary of natsBinaries) {
    eventLogContract(`nats-server ${binary.version}`, async () => {
      const harness = await makeHarness(binary)
      await harness.startForwarder()
      return { ...harness, dispose: () => harness.dispose().then(() => failOn(violationsIn(harness.faults))) }
    })
  }
})

describeWithNats.each(natsBinaries.map((binary) => [binary.version, binary] as const))(
  'the rights of each role on nats-server %s',
  (_, binary) => {
    let log: Awaited<ReturnType<typeof makeHarness>>
    beforeEach(async () => {
      log = await makeHarness(binary)
    })
    afterEach(() => log.dispose())

    const managerOf = async (role: Role): Promise<JetStreamManager> => jetstreamManager((await log.connectAs(role)).nc, { checkAPI: false })

    test('a logger that comes before the forwarder waits for the streams', async () => {
      const consumer = await log.openConsumer('logger', ['labels'])
      await expect.poll(() => log.faults.map(String).join()).toContain('$JS.API.STREAM.CREATE.hindsight_labels')
      await log.startForwarder()
      await (await log.openWriter('w1')).append('labels', [toEvent('{}', 0)])
      expect(await fetchAtLeast(consumer, 1)).toHaveLength(1)
    })

    test('only a logger may confirm, only the forwarder publish events', async () => {
      const forwarder = await log.startForwarder()
      await expect.poll(() => forwarder.ready()).toBe(true)
      const publishAs = async (role: Role, subject: string) => {
        const { nc } = await log.connectAs(role)
        nc.publish(subject, role)
        await nc.flush()
      }
      const confirmed: string[] = []
      const listener = await log.connectAs('forwarder')
      listener.nc.subscribe('hindsight.confirm', { callback: (_error, message) => void confirmed.push(message.string()) })
      await listener.nc.flush()
      for (const role of ['forwarder', 'features', 'gateway', 'logger'] as const) await publishAs(role, 'hindsight.confirm')
      await expect.poll(() => confirmed).toEqual(['logger'])
      for (const role of ['logger', 'features', 'gateway', 'forwarder'] as const) await publishAs(role, 'hindsight.events.labels')
      const manager = await managerOf('logger')
      await expect.poll(async () => (await manager.streams.info('hindsight_labels')).state.messages).toBe(1)
      expect((await manager.streams.getMessage('hindsight_labels', { seq: 1 }))?.string()).toBe('forwarder')
    })

    test('what a logger confirms frees the outbox', async () => {
      const forwarder = await log.startForwarder()
      await (await log.openWriter('w1')).append('labels', [toEvent('{}', 0)])
      const consumer = await log.openConsumer('logger', ['labels'])
      const records = await fetchAtLeast(consumer, 1)
      expect(forwarder.lanes.get('labels')?.state().unconfirmed).toBe(1)
      await consumer.confirm(records)
      await expect.poll(() => forwarder.lanes.get('labels')?.state().unconfirmed).toBe(0)
    })

    test('nobody may delete or purge a stream, and each makes its own consumer anew, not another’s', async () => {
      const forwarder = await log.startForwarder()
      await expect.poll(() => forwarder.ready()).toBe(true)
      const stream = 'hindsight_feature_events'
      for (const role of ['logger', 'features'] as const) await log.openConsumer(role, ['feature_events'])
      const managers = {
        forwarder: await managerOf('forwarder'),
        logger: await managerOf('logger'),
        features: await managerOf('features'),
        gateway: await managerOf('gateway'),
      }
      const refusal = { cause: expect.objectContaining({ name: 'PermissionViolationError' }) }
      for (const role of roles) {
        await expect(managers[role].streams.delete(stream)).rejects.toMatchObject(refusal)
        await expect(managers[role].streams.purge(stream)).rejects.toMatchObject(refusal)
      }
      await expect(managers.features.consumers.delete(stream, 'logger')).rejects.toMatchObject(refusal)
      await expect(managers.forwarder.consumers.delete(stream, 'logger')).rejects.toMatchObject(refusal)
      await expect.poll(() => managers.logger.consumers.delete(stream, 'logger').catch(String)).toBe(true)
      await expect.poll(() => managers.features.consumers.delete(stream, 'features').catch(String)).toBe(true)
    })
  },
)
