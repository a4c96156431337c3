import { expect, it } from 'vitest'
import { mergeChecks, mergeModels, mergeNotes, type WorkerReadiness } from './merge-answers.ts'

const answer = (ready: boolean, served = true): WorkerReadiness => ({
  ready,
  checks: { outbox_writable: ready, a_model_is_served: served },
})

it.each([
  ['one of two is', [answer(false), answer(true)], true, true],
  ['none is', [answer(false), answer(false)], false, true],
  ['none answers', [], false, true],
  ['one of two serves nothing', [answer(false, false), answer(true)], true, true],
  ['all serve nothing', [answer(false, false), answer(false, false)], false, false],
])('a gateway of workers of which %s ready', (_name, answers, ready, served) => {
  expect(mergeChecks(answers)).toEqual({ a_worker: ready, a_model_is_served: served })
})

it('names what is so in any worker, once', () => {
  const price = { model: 'price', version: '1', reason: 'golden[0]: differs' }
  const other = { model: 'price', version: '2', reason: 'no memory' }
  expect(
    mergeNotes([
      { views_not_filled: ['sales'], models_not_served: [price] },
      { views_not_filled: ['sales', 'visits'], models_not_served: [price, other] },
    ]),
  ).toEqual({ views_not_filled: ['sales', 'visits'], models_not_served: [price, other] })
  expect(mergeNotes([{ views_not_filled: [] }, {}])).toEqual({ views_not_filled: [] })
  expect(mergeNotes([{}, {}])).toEqual({})
})

it('a model has the versions that all hold, and the refusals of any', () => {
  const model = { model: 'price', champion: '1' }
  expect(
    mergeModels([
      { models: [{ ...model, versions: ['1', '2'], refused: { '3': 'golden[0]: differs' } }] },
      { models: [{ ...model, versions: ['1'], refused: { '2': 'no memory', '3': 'golden[0]: differs' } }] },
    ]),
  ).toEqual([{ ...model, versions: ['1'], refused: { '2': 'no memory', '3': 'golden[0]: differs' } }])
})
