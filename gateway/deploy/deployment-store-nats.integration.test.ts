import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvm } from '@nats-io/kv'
import { expect, it, vi } from 'vitest'
import {
  describeWithNats,
  natsBinaries,
  type NatsBinary,
  startTestNats,
  testNatsSettings,
} from '../../platform/nats/testing/nats-server.ts'
import { deploymentStoreContract, toDeployment } from './deployment-store.contract.ts'
import { openDeploymentFiles } from './deployment-store-file.ts'
import { openNatsDeployments } from './deployment-store-nats.ts'

/** What the documentation tells operators to write. */
const documented = /```conf\n([^]*?)```/.exec(readFileSync(new URL('../../docs/nats.md', import.meta.url), 'utf8'))?.[1]

const soon = { timeout: 180_000, interval: 50 }

/** Each gateway has a data directory of its own: only NATS is between them. */
async function makeHarness(binary: NatsBinary | undefined, under: { config?: string; user?: Record<string, string> } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-deployments-nats-'))
  const nats = await startTestNats({ binary, ...(under.config !== undefined && { config: under.config }) })
  const settings = testNatsSettings(nats.url, under.user)
  const faults: unknown[] = []
  const onFault = (error: unknown) => void faults.push(error)
  let gateways = 0
  return {
    nats,
    faults,
    async open(data = `gateway-${gateways++}`) {
      return openNatsDeployments({ settings, files: await openDeploymentFiles({ dir: join(dir, data), onFault }), onFault })
    },
    async dispose() {
      await nats.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

describeWithNats('on NATS', () => {
  for (const binary of natsBinaries) {
    deploymentStoreContract(`nats-server ${binary.version}`, async () => {
      const harness = await makeHarness(binary)
      return { open: () => harness.open(), dispose: harness.dispose }
    })
    deploymentStoreContract(`nats-server ${binary.version}, with the rights of a gateway`, async () => {
      for (const role of ['FORWARDER', 'LOGGER', 'FEATURES', 'GATEWAY']) vi.stubEnv(`${role}_PASSWORD`, 'secret')
      const user = { NATS_USER: 'gateway', NATS_PASSWORD: 'secret' }
      const harness = await makeHarness(binary, { config: documented ?? '', user })
      return {
        open: () => harness.open(),
        async dispose() {
          await harness.dispose()
          vi.unstubAllEnvs()
          if (harness.faults.length > 0) throw new AggregateError(harness.faults, 'a gateway lacks a right')
        },
      }
    })
  }

  it('goes by what it knew while NATS is away, and takes no change', async () => {
    const { nats, open, dispose } = await makeHarness(natsBinaries[0])
    const store = await open('mine')
    await store.put('m', toDeployment(1))
    await nats.kill()
    await expect
      .poll(() => store.put('m', toDeployment(2)).catch((error: unknown) => error), soon)
      .toMatchObject({ code: 'event_log_unavailable' })
    await store.close()
    const started = await open('mine')
    expect(started.latest('m')).toEqual(toDeployment(1))
    expect(await started.history('m')).toEqual([toDeployment(1)])
    await nats.restart()
    await expect
      .poll(
        () =>
          started.put('m', toDeployment(2)).then(
            () => 'put',
            () => 'refused',
          ),
        soon,
      )
      .toBe('put')
    await started.close()
    await dispose()
  })

  it('gives back what a bucket has lost', async () => {
    const { nats, open, dispose } = await makeHarness(natsBinaries[0])
    const store = await open('mine')
    await store.put('m', toDeployment(4))
    const link = await nats.connect()
    await (await new Kvm(link).open('hindsight_deployments')).destroy()
    await link.close()
    await nats.restart()
    const other = await open()
    await expect.poll(() => other.latest('m'), soon).toEqual(toDeployment(4))
    await Promise.all([store.close(), other.close()])
    await dispose()
  })
})
