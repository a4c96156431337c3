import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { deploymentStoreContract, toDeployment } from './deployment-store.contract.ts'
import { openDeploymentFiles } from './deployment-store-file.ts'

async function makeDirectory() {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-deployments-'))
  return { dir, dispose: () => rm(dir, { recursive: true, force: true }) }
}

deploymentStoreContract('files', async () => {
  const { dir, dispose } = await makeDirectory()
  return { open: () => openDeploymentFiles({ dir: join(dir, 'deployments'), onFault: failOn }), dispose }
})

function failOn(error: unknown): void {
  throw error
}

it('tells of a file that somebody has spoilt, and goes on with what stood', async () => {
  const { dir, dispose } = await makeDirectory()
  const onFault = vi.fn()
  const store = await openDeploymentFiles({ dir, onFault })
  await store.put('m', toDeployment(1))
  await writeFile(join(dir, 'm/2.json'), '{"revision": 2}')
  await expect.poll(() => onFault.mock.calls.length).toBeGreaterThan(0)
  expect(store.latest('m')).toEqual(toDeployment(1))
  await store.close()
  await dispose()
})
