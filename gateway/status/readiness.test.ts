import { expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import type { NotServed } from './not-served.ts'
import { createReadiness } from './readiness.ts'
import { createMemoryEventLog } from '../testing/memory-event-log.ts'
import { createMemoryInference } from '../testing/memory-inference.ts'
import { createFailingOnlineStore } from '../testing/failing-online-store.ts'

function create() {
  const { store } = createFailingOnlineStore()
  const log = createMemoryEventLog()
  const { inference } = createMemoryInference()
  const state = {
    draining: false,
    storeAnswers: false,
    served: { models: 2, not: [] as NotServed[] },
    viewsNotFilled: undefined as string[] | undefined,
  }
  store.ping = () => (state.storeAnswers ? Promise.resolve() : Promise.reject(new ServiceError('online_store_unavailable', 'no answer')))
  return {
    state,
    log,
    readiness: createReadiness(
      { eventLog: log.eventLog, store, inference },
      { draining: () => state.draining, served: () => state.served, viewsNotFilled: async () => state.viewsNotFilled },
    ),
  }
}

const ready = { not_draining: true, outbox_writable: true, online_store: true, inference: true, a_model_is_served: true }

it('a gateway that has never reached its online store is not ready', async () => {
  const { state, readiness } = create()
  expect(await readiness.checks()).toEqual({ ...ready, online_store: false })
  state.storeAnswers = true
  expect(await readiness.checks()).toEqual(ready)
})

it('one that loses it stays ready, because its models have rules for that, and says so in its status', async () => {
  const { state, readiness } = create()
  state.storeAnswers = true
  await readiness.checks()
  state.storeAnswers = false
  expect(await readiness.checks()).toEqual(ready)
  expect(await readiness.status()).toEqual({ online_store: 'does not answer' })
})

it('one that drains or cannot write is not ready', async () => {
  const { state, log, readiness } = create()
  state.storeAnswers = true
  state.draining = true
  log.break()
  expect(await readiness.checks()).toEqual({ ...ready, not_draining: false, outbox_writable: false })
})

it('one whose models are not all served says so, and is not ready when none is', async () => {
  const { state, readiness } = create()
  state.storeAnswers = true
  state.served.not = [{ model: 'one', version: '1', reason: 'golden[0]: differs' }]
  expect(await readiness.checks()).toEqual(ready)
  expect(await readiness.notes()).toEqual({ models_not_served: state.served.not })
  state.served.not = [...state.served.not, { model: 'two', reason: 'two/model.yaml: is empty' }]
  expect(await readiness.checks()).toEqual({ ...ready, a_model_is_served: false })
})

it('one whose feature views are being loaded is ready, and names them where the store tells', async () => {
  const { state, readiness } = create()
  state.storeAnswers = true
  expect(await readiness.notes()).toEqual({})
  state.viewsNotFilled = ['sales']
  expect(await readiness.notes()).toEqual({ views_not_filled: ['sales'] })
  expect(await readiness.checks()).toEqual(ready)
})
