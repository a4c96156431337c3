import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deployment as deploymentContract, type Deployment } from '../../contracts/deployment.ts'
import type { DeploymentStore } from './deployment-store.ts'

export type DeploymentHarness = {
  /** Opens the store as one more gateway would. */
  open(): Promise<DeploymentStore>
  dispose(): Promise<void>
}

const soon = { timeout: 180_000, interval: 20 }

export function toDeployment(revision: number, champion = '1'): Deployment {
  return deploymentContract.parse({ revision, champion, author: 'ana', reason: 'a test', changed_at: '2001-06-04T00:00:00.000Z' })
}

/** What every store of deployments does. */
export function deploymentStoreContract(name: string, makeHarness: () => Promise<DeploymentHarness>): void {
  describe(`deployments in ${name}`, () => {
    let harness: DeploymentHarness
    const opened: DeploymentStore[] = []
    beforeEach(async () => void (harness = await makeHarness()))
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()))
      await harness.dispose()
    })

    async function open(): Promise<DeploymentStore> {
      const store = await harness.open()
      opened.push(store)
      return store
    }

    it('are none at first', async () => {
      const store = await open()
      expect(store.latest('m')).toBeUndefined()
      expect(await store.history('m')).toEqual([])
    })

    it('are all kept, and are there when it is opened again', async () => {
      const store = await open()
      for (const revision of [2, 3, 11]) await store.put('m', toDeployment(revision, `${revision}`))
      await store.put('other', toDeployment(1))
      expect(store.latest('m')).toEqual(toDeployment(11, '11'))
      const again = await open()
      expect(again.latest('m')).toEqual(toDeployment(11, '11'))
      expect((await again.history('m')).map(({ revision }) => revision)).toEqual([11, 3, 2])
    })

    it('never replace one of the same or a later revision', async () => {
      const store = await open()
      await store.put('m', toDeployment(5))
      for (const revision of [5, 4])
        await expect(store.put('m', toDeployment(revision))).rejects.toMatchObject({ code: 'deployment_conflict' })
      expect(await store.history('m')).toEqual([toDeployment(5)])
    })

    it('are taken from one of several that come at once', async () => {
      const stores = [await open(), await open(), await open()]
      const outcomes = await Promise.allSettled(stores.map((store, index) => store.put('m', toDeployment(1, `${index}`))))
      const taken = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []))
      expect(taken).toHaveLength(1)
      await expect.poll(() => stores.map((store) => store.latest('m')?.champion), soon).toEqual(Array(3).fill(`${taken[0]}`))
    })

    it('reach whoever watches, in the order of their revisions', async () => {
      const [one, other] = [await open(), await open()]
      const seen: string[] = []
      other.watch((model, { revision }) => void seen.push(`${model} ${revision}`))
      await one.put('m', toDeployment(1))
      await expect.poll(() => seen, soon).toEqual(['m 1'])
      await one.put('m', toDeployment(2))
      await expect.poll(() => seen, soon).toEqual(['m 1', 'm 2'])
      expect(other.latest('m')).toEqual(toDeployment(2))
    })
  })
}
